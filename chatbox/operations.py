"""What the command line does with a data folder: beside a running server, or on its own."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, BinaryIO, get_args

from msgspec import structs

from chatbox.backup.archive import check_target
from chatbox.backup.files import blamed_on
from chatbox.backup.manifest import shown_counts
from chatbox.backup.staging import stage_file
from chatbox.chat import accounts, backups, people, removing, restoring
from chatbox.chat.context import Context
from chatbox.chat.signin import new_token
from chatbox.clock import Clock, SystemClock
from chatbox.data_folder import DATABASE_FILE
from chatbox.errors import ChatboxError, Conflict, Invalid, NotFound
from chatbox.instance import bucket_blobs, close_instance, open_instance, uploads_folder
from chatbox.lan import certificates, pem, security_key
from chatbox.rules import passwords
from chatbox.rules.disk import shown_size
from chatbox.rules.names import name_key
from chatbox.rules.text import escape_controls, one_line
from chatbox.rules.tokens import digest
from chatbox.settings import Settings
from chatbox.store import files, integrity, links, sessions, users
from chatbox.store.base import Batch, Steps
from chatbox.store.blobs import Blobs
from chatbox.store.copies import Counted
from chatbox.store.folder_blobs import FolderBlobs
from chatbox.store.users import Account

log = logging.getLogger(__name__)

_KEY_BYTES = 64 * 1024

Values = dict[str, Any]


async def user_add(ctx: Context, values: Values) -> Values:
    """{name, password, full_name?, admin?}: make an account. The first admin closes the setup."""
    role = "admin" if values.get("admin") else "member"
    person = await accounts.applicant(ctx, values["name"], values.get("full_name", ""), values["password"])

    def change(batch: Batch) -> Steps[Values]:
        frees = yield from users.holder(person.key)  # whoever is at the console may give any name away
        account = yield from accounts.found(batch, person, role, frees=frees)
        return {"person": accounts.entry(account, 0)}

    reply: Values = await ctx.committer.submit(change)
    if role == "admin":
        accounts.setup_done(ctx)
    log.info("%s was added as %s from the command line", escape_controls(person.name), role)
    return reply


async def user_password(ctx: Context, values: Values) -> Values:
    """{name, password}: set a new password. All sessions end, and links for a new password stop working."""
    account = await ctx.store.read(_named(values["name"]))
    passwords.check(values["password"], account.name, account.full_name, ctx.server.name)
    stored = await ctx.hashing.hash(values["password"])

    def change(batch: Batch) -> Steps[Values]:
        yield from users.existing(account.id)
        yield from users.update(account.id, password=stored)
        yield from links.revoke_passwords(batch, account.id)
        yield from sessions.end_all(batch, account.id)
        return {}

    reply: Values = await ctx.committer.submit(change)
    log.info("%s has a new password, set from the command line", escape_controls(account.name))
    return reply


async def user_token(ctx: Context, values: Values) -> Values:
    """{name, label}: make a bearer token. Gives {"token"}."""
    label = one_line(values["label"], what="The label", field="label", least=1, most=80)
    token = new_token()

    def change(batch: Batch) -> Steps[Values]:
        account = yield from _named(values["name"])
        if not account.active:
            raise Conflict("This account is disabled, so a token would not work.", field="name")
        yield from sessions.add(
            batch, account.id, digest(token), kind="token", label=label, address="", shared=False
        )
        return {"token": token}

    reply: Values = await ctx.committer.submit(change)
    log.info("a token for %s was made from the command line", escape_controls(values["name"]))
    return reply


async def user_list(ctx: Context, values: Values) -> Values:
    """{}: everybody who is not deleted, as admins see them. Gives {"people"}."""

    def steps() -> Steps[Values]:
        counts = yield from sessions.counts()
        everyone = [account for account in (yield from users.everyone()) if account.state != "deleted"]
        return {"people": [accounts.entry(account, counts.get(account.id, 0)) for account in everyone]}

    return await ctx.store.read(steps())


async def user_disable(ctx: Context, values: Values) -> Values:
    """{name}: shut an account out. Raises `Conflict` for the last admin."""

    def change(batch: Batch) -> Steps[Values]:
        yield from people.disable(batch, (yield from _named(values["name"])))
        return {}

    reply: Values = await ctx.committer.submit(change)
    log.info("%s was disabled from the command line", escape_controls(values["name"]))
    return reply


async def user_enable(ctx: Context, values: Values) -> Values:
    """{name}: let an account in again that was shut out."""

    def change(batch: Batch) -> Steps[Values]:
        yield from people.enable(batch, (yield from _named(values["name"])))
        return {}

    reply: Values = await ctx.committer.submit(change)
    log.info("%s was enabled from the command line", escape_controls(values["name"]))
    return reply


async def user_remove(ctx: Context, values: Values) -> Values:
    """{name, messages?}: remove somebody for good, with `messages` all they wrote too, whose number is
    "deleted". Raises `Conflict` for the last admin."""
    too = bool(values.get("messages"))

    def change(batch: Batch) -> Steps[Values]:
        yield from removing.remove(batch, (yield from _named(values["name"])), messages_too=too)
        return {}

    await ctx.committer.submit(change)
    log.info("%s was removed from the command line", escape_controls(values["name"]))
    return {"deleted": await removing.erase(ctx) if too else 0}


async def check(ctx: Context, values: Values) -> Values:
    """{}: look for damage. Gives {"problems": sentences, "summary": a sentence}."""
    problems = await ctx.store.read(integrity.check(), slow=True)
    stored = await ctx.store.read(files.contents())
    damaged = await asyncio.to_thread(_damaged, ctx.blobs, stored)
    # Beside a running server a file may have been deleted since its row was read.
    gone = set(await ctx.store.read(files.unreferenced(list(damaged))))
    problems += [sentence for hash, sentence in damaged.items() if hash not in gone]
    found = f"{len(problems)} problems found" if problems else "No problems found"
    return {
        "problems": problems,
        "summary": f"{found}: database, messages and {len(stored)} uploads checked.",
    }


async def restore(folder: Path, uploads: Path, clock: Clock, values: Values) -> Values:
    """{file}: check a backup, by its full path; the next start puts it in place. Gives {"summary"}."""
    summary = await asyncio.to_thread(stage_file, _full_path(values), folder, uploads, clock.now())
    log.info("a backup was staged from the command line: %s", escape_controls(summary))
    return {"summary": summary}


async def security_key_save(folder: Path, values: Values) -> Values:
    """{file, password}: write the key of the server's own authority into a new file. Gives {"summary"}."""
    target = _full_path(values)
    authority = certificates.load_authority(folder)
    if authority is None:
        raise NotFound(security_key.NO_KEY)
    text = await asyncio.to_thread(security_key.lock, authority, values["password"])
    try:
        await asyncio.to_thread(_write_new, target, text)
    except OSError as error:
        raise Conflict(f"{target} cannot be written: {error.strerror}.", field="file") from error
    log.info("the security key was written to %s from the command line", escape_controls(str(target)))
    return {"summary": f"{target} has the security key of {authority.name}. Keep it apart from its password."}


async def security_key_use(folder: Path, values: Values) -> Values:
    """{file, password}: let the next start use the authority in a file. Gives {"summary"}."""
    source = _full_path(values)
    try:
        text = (await asyncio.to_thread(source.read_bytes))[:_KEY_BYTES].decode("ascii", "replace")
    except OSError as error:
        raise Invalid(f"{source} cannot be read: {error.strerror}.", field="file") from error
    authority = await asyncio.to_thread(security_key.unlock, text, values["password"], pem.now())
    aside = await asyncio.to_thread(certificates.replace_authority, folder, authority)
    kept = f" The one from before is in {aside}." if aside else ""
    log.info("the security key of %s is used from the next start on", authority.name)
    return {"summary": f"The next start uses the security key of {authority.name}.{kept}"}


async def move(settings: Settings, folder: Path, values: Values) -> Values:
    """{to} or {source}, an address, and maybe {uploads}, that of a bucket: take everything into that database
    and that bucket, or out of them into the data folder. Gives {"summary"}."""
    from chatbox.store import moving_postgres, moving_uploads  # only here: few need it

    file = folder / DATABASE_FILE
    told = ""
    there = values.get("uploads") or (settings.storage.uploads if settings.storage.in_bucket else "")

    async def bring(contents: list[tuple[str, int]]) -> None:
        nonlocal told
        if there:
            here = FolderBlobs(uploads_folder(settings, folder))
            bucket = await asyncio.to_thread(bucket_blobs, there, settings.s3, folder)
            source, target = (here, bucket) if values.get("to") else (bucket, here)
            brought = await asyncio.to_thread(moving_uploads.bring, source, target, contents)
            told = f" Uploads in {target.name}: {brought.there:,}; lost or damaged: {brought.missing:,}."

    if values.get("to"):
        counts = await moving_postgres.into_postgres(file, values["to"], bring)
        log.info("everything was moved to PostgreSQL from the command line")
        uploads = f", and {there} as [storage] uploads" if there else ""
        how = (
            f"Write its address into chatbox.ini, as [storage] database{uploads}, and start. What is in the "
            f"data folder stays as it is; {DATABASE_FILE} is not used any more."
        )
    else:
        counts = await moving_postgres.into_sqlite(values["source"], file, bring)
        log.info("everything was moved from PostgreSQL from the command line")
        uploads = " and [storage] uploads" if settings.storage.in_bucket else ""
        how = (
            f"Take [storage] database{uploads} out of chatbox.ini, and start. What was moved stays where it "
            "was as well."
        )
    shown = shown_counts({key: counts["users" if key == "people" else key] for key in get_args(Counted)})
    return {"summary": f"Everything is moved and compared: {shown}.{told} {how}"}


async def _move_beside(ctx: Context, values: Values) -> Values:
    raise Conflict("Chatbox is running. Stop it, and move then.")


def _write_new(path: Path, text: str) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


async def _restore_beside(ctx: Context, values: Values) -> Values:
    restoring.restorable(ctx.settings)
    staged = await restore(ctx.folder, ctx.blobs.folder, ctx.clock, values)
    return {"summary": f"{staged['summary']} Chatbox is running: restart it."}


async def _use_key_beside(ctx: Context, values: Values) -> Values:
    used = await security_key_use(ctx.folder, values)
    return {"summary": f"{used['summary']} Chatbox is running: restart it."}


async def backup(ctx: Context, values: Values) -> Values:
    """{file, force?}: write a backup to this file, by its full path, with `force` in the place of an older
    one. Gives {"summary", "missing": uploads}."""
    target = _full_path(values)
    with blamed_on(target):
        await asyncio.to_thread(check_target, target, replace=bool(values.get("force")))
    manifest = await backups.write(ctx, target)
    size = shown_size((await asyncio.to_thread(target.stat)).st_size)
    log.info("a backup was written to %s from the command line", escape_controls(str(target)))
    return {
        "summary": f"{target} is written and checked: {shown_counts(manifest.counts)}; {size}.",
        "missing": len(manifest.missing),
    }


async def cluster_status(ctx: Context, values: Values) -> Values:
    """{}: all nodes, and whether what they share answers. Gives {"nodes", "trouble": texts}."""
    if not ctx.settings.cluster.redis:
        raise Conflict("This server is no node of a cluster: [cluster] redis is empty.")
    trouble = []
    leases = await ctx.cluster.leases()
    if leases is None:
        trouble.append("Redis does not answer. Nodes find by the database what others did.")
    try:
        await ctx.store.read(users.meta())
    except ChatboxError as error:
        trouble.append(f"PostgreSQL does not answer: {error.message}")
    nodes = [{**structs.asdict(lease), "now": ctx.clock.now()} for lease in leases or []]
    return {"nodes": sorted(nodes, key=lambda node: (node["host"], node["address"])), "trouble": trouble}


OPERATIONS: dict[str, Callable[[Context, Values], Awaitable[Values]]] = {
    "user_add": user_add,
    "user_password": user_password,
    "user_token": user_token,
    "user_list": user_list,
    "user_disable": user_disable,
    "user_enable": user_enable,
    "user_remove": user_remove,
    "check": check,
    "backup": backup,
    "cluster_status": cluster_status,
    "restore": _restore_beside,
    "security_key_save": lambda ctx, values: security_key_save(ctx.folder, values),
    "security_key_use": _use_key_beside,
    "move": _move_beside,
}


# What needs no database.
_OF_FOLDER = {"security_key_save": security_key_save, "security_key_use": security_key_use}


def run_offline(settings: Settings, folder: Path, operation: str, values: Values) -> Values:
    """Carry an operation out on a folder that nobody serves; the caller holds its lock.

    Raises `ChatboxError` and `StartError`."""
    return asyncio.run(_run_offline(settings, folder, operation, values))


async def _run_offline(settings: Settings, folder: Path, operation: str, values: Values) -> Values:
    if operation == "restore":  # what is in the folder now may be damaged, or nothing
        restoring.restorable(settings)
        return await restore(folder, uploads_folder(settings, folder), SystemClock(), values)
    if operation == "move":
        return await move(settings, folder, values)
    if operation in _OF_FOLDER:
        return await _OF_FOLDER[operation](folder, values)
    ctx = await open_instance(settings, folder)
    try:
        return await OPERATIONS[operation](ctx, values)
    finally:
        await close_instance(ctx)


def _full_path(values: Values) -> Path:
    path = Path(values["file"])
    if not path.is_absolute():
        raise Invalid("The file has to be named with its full path.", field="file")
    return path


def _named(name: str) -> Steps[Account]:
    account = yield from users.by_key(name_key(name.strip()))
    if account is None:
        raise NotFound(f"Nobody here has the name {escape_controls(name)}.", field="name")
    return account


def _damaged(blobs: Blobs, stored: list[tuple[str, int]]) -> dict[str, str]:
    """What is wrong with the contents of uploads, by their hash."""
    problems: dict[str, str] = {}
    for hash, size in stored:
        try:
            with blobs.open(hash) as file:
                whole = _sha256(file) == hash
        except OSError as error:
            problems[hash] = f"The upload {hash[:12]}… ({size:,} bytes) cannot be read: {error.strerror}."
            continue
        if not whole:
            problems[hash] = f"The upload {hash[:12]}… ({size:,} bytes) does not match its checksum."
    return problems


def _sha256(file: BinaryIO) -> str:
    found = hashlib.sha256()
    while chunk := file.read(2**20):
        found.update(chunk)
    return found.hexdigest()
