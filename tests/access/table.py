"""The policy of access: what each command and each address answers, and to whom.

    ok        done                                        out       signed_out 401
    none      not_found 404                               no        forbidden 403
    clash     conflict 409: nobody may, whoever asks      up        101, a WebSocket

The roles are those of `stage.ROLES`. `nobody` is not signed in, `stranger` was never in the room, `former`
has left it (no one leaves a direct room: there it is another stranger), the `admin` of the server is not in
it, `disabled` and `bot` are members. A word after a colon tells which use of a command a line is about.
"""

from __future__ import annotations

COMMANDS = """
                                            nobody stranger former member owner admin disabled bot
hello                       -               out    ok       ok     ok     ok    ok    out      ok
ping                        -               out    ok       ok     ok     ok    ok    out      ok
away                        -               out    ok       ok     ok     ok    ok    out      ok

message.post                public          out    none     none   ok     ok    none  out      ok
message.post                private         out    none     none   ok     ok    none  out      ok
message.post                direct          out    none     none   ok     ok    none  out      ok
message.edit                public          out    none     none   ok     ok    none  out      ok
message.edit                private         out    none     none   ok     ok    none  out      ok
message.edit                direct          out    none     none   ok     ok    none  out      ok
message.edit:foreign        public          out    none     none   no     no    none  out      no
message.edit:foreign        private         out    none     none   no     no    none  out      no
message.edit:foreign        direct          out    none     none   no     no    none  out      no
message.delete              public          out    none     none   ok     ok    none  out      ok
message.delete              private         out    none     none   ok     ok    none  out      ok
message.delete              direct          out    none     none   ok     ok    none  out      ok
message.delete:foreign      public          out    none     none   no     ok    none  out      no
message.delete:foreign      private         out    none     none   no     ok    none  out      no
message.delete:foreign      direct          out    none     none   no     no    none  out      no

room.list                   -               out    ok       ok     ok     ok    ok    out      ok
room.create                 -               out    ok       ok     ok     ok    ok    out      ok
room.history                public          out    none     none   ok     ok    none  out      ok
room.history                private         out    none     none   ok     ok    none  out      ok
room.history                direct          out    none     none   ok     ok    none  out      ok
room.changes                public          out    none     none   ok     ok    none  out      ok
room.changes                private         out    none     none   ok     ok    none  out      ok
room.changes                direct          out    none     none   ok     ok    none  out      ok
room.members                public          out    ok       ok     ok     ok    ok    out      ok
room.members                private         out    none     none   ok     ok    none  out      ok
room.members                direct          out    none     none   ok     ok    none  out      ok
room.update                 public          out    none     none   no     ok    none  out      no
room.update                 private         out    none     none   no     ok    none  out      no
room.update                 direct          out    none     none   clash  clash none  out      clash
room.update:archive         public          out    none     none   no     ok    none  out      no
room.update:archive         private         out    none     none   no     ok    none  out      no
room.update:archive         direct          out    none     none   clash  clash none  out      clash
room.join                   public          out    ok       ok     ok     ok    ok    out      ok
room.join                   private         out    none     none   ok     ok    none  out      ok
room.join                   direct          out    none     none   ok     ok    none  out      ok
room.leave                  public          out    none     none   ok     ok    none  out      ok
room.leave                  private         out    none     none   ok     ok    none  out      ok
room.leave                  direct          out    none     none   clash  clash none  out      clash
room.invite                 public          out    none     none   ok     ok    none  out      ok
room.invite                 private         out    none     none   ok     ok    none  out      ok
room.invite                 direct          out    none     none   clash  clash none  out      clash
room.remove                 public          out    none     none   no     ok    none  out      no
room.remove                 private         out    none     none   no     ok    none  out      no
room.remove                 direct          out    none     none   clash  clash none  out      clash
room.role                   public          out    none     none   no     ok    none  out      no
room.role                   private         out    none     none   no     ok    none  out      no
room.role                   direct          out    none     none   clash  clash none  out      clash
room.read                   public          out    none     none   ok     ok    none  out      ok
room.read                   private         out    none     none   ok     ok    none  out      ok
room.read                   direct          out    none     none   ok     ok    none  out      ok
room.typing                 public          out    none     none   ok     ok    none  out      ok
room.typing                 private         out    none     none   ok     ok    none  out      ok
room.typing                 direct          out    none     none   ok     ok    none  out      ok
room.hide                   public          out    none     none   clash  clash none  out      clash
room.hide                   private         out    none     none   clash  clash none  out      clash
room.hide                   direct          out    none     none   ok     ok    none  out      ok
direct.open                 -               out    ok       ok     ok     ok    ok    out      ok
search                      -               out    ok       ok     ok     ok    ok    out      ok
search:room                 public          out    none     none   ok     ok    none  out      ok
search:room                 private         out    none     none   ok     ok    none  out      ok
search:room                 direct          out    none     none   ok     ok    none  out      ok

server.info                 -               ok     ok       ok     ok     ok    ok    ok       ok
setup.complete              -               clash  clash    clash  clash  clash clash clash    clash
session.create              -               ok     ok       ok     ok     ok    ok    ok       ok
session.move                -               out    ok       ok     ok     ok    ok    out      no
session.take                -               none   none     none   none   none  none  none     none
session.end                 -               out    ok       ok     ok     ok    ok    out      ok
session.moving              -               out    ok       ok     ok     ok    ok    out      ok
session.allow               -               out    none     none   none   none  none  out      none
session.allow:nobody        -               out    ok       ok     ok     ok    ok    out      ok
session.confirm             -               out    ok       ok     ok     ok    ok    out      ok
session.list                -               out    ok       ok     ok     ok    ok    out      ok
session.revoke              -               out    ok       ok     ok     ok    ok    out      ok
session.revoke:foreign      -               out    none     none   none   none  none  out      none
user.register               -               ok     ok       ok     ok     ok    ok    ok       ok
user.register:uninvited     -               no     no       no     no     no    no    no       no
link.check                  -               ok     ok       ok     ok     ok    ok    ok       ok
password.reset              -               ok     ok       ok     ok     ok    ok    ok       ok
token.create                -               out    ok       ok     ok     ok    ok    out      ok
user.update                 -               out    ok       ok     ok     ok    ok    out      ok
user.password               -               out    ok       ok     ok     ok    ok    out      ok
account.delete              -               out    no       no     no     no    no    out      no
notice.dismiss              -               out    ok       ok     ok     ok    ok    out      ok

people.list                 -               out    no       no     no     no    ok    out      no
user.disable                -               out    no       no     no     no    ok    out      no
user.enable                 -               out    no       no     no     no    ok    out      no
user.role                   -               out    no       no     no     no    ok    out      no
user.delete                 -               out    no       no     no     no    ok    out      no
user.reset_link             -               out    no       no     no     no    ok    out      no
invite.create               -               out    no       no     no     no    ok    out      no
invite.list                 -               out    no       no     no     no    ok    out      no
invite.revoke               -               out    no       no     no     no    ok    out      no
server.update               -               out    no       no     no     no    ok    out      no
server.addresses            -               out    no       no     no     no    ok    out      no

admin.overview              -               out    no       no     no     no    ok    out      no
admin.rooms                 -               out    no       no     no     no    ok    out      no
admin.archive               public          out    no       no     no     no    ok    out      no
admin.archive               private         out    no       no     no     no    none  out      no
admin.archive               direct          out    no       no     no     no    none  out      no
admin.logo                  -               out    no       no     no     no    ok    out      no
admin.reach                 -               out    no       no     no     no    ok    out      no
admin.firewall              -               out    no       no     no     no    clash out      no
service.status              -               out    no       no     no     no    ok    out      no
service.set                 -               out    no       no     no     no    clash out      no
qr.make                     -               out    ok       ok     ok     ok    ok    out      ok
settings.list               -               out    no       no     no     no    ok    out      no
licenses.list               -               out    ok       ok     ok     ok    ok    out      ok
licenses.text               -               out    ok       ok     ok     ok    ok    out      ok
settings.update             -               out    no       no     no     no    ok    out      no
backup.list                 -               out    no       no     no     no    ok    out      no
backup.create               -               out    no       no     no     no    ok    out      no
backup.ready                -               out    no       no     no     no    ok    out      no
"""

ADDRESSES = """
                                            nobody stranger former member owner admin disabled bot
GET_/                       -               ok     ok       ok     ok     ok    ok    ok       ok
GET_/favicon.ico            -               ok     ok       ok     ok     ok    ok    ok       ok
GET_/logo                   -               none   none     none   none   none  none  none     none
GET_/assets                 -               ok     ok       ok     ok     ok    ok    ok       ok
GET_/trust                  -               ok     ok       ok     ok     ok    ok    ok       ok
GET_/trust/ping             -               ok     ok       ok     ok     ok    ok    ok       ok
GET_/trust/about            -               ok     ok       ok     ok     ok    ok    ok       ok
GET_/healthz                -               ok     ok       ok     ok     ok    ok    ok       ok
GET_/readyz                 -               ok     ok       ok     ok     ok    ok    ok       ok
GET_/metrics                -               ok     ok       ok     ok     ok    ok    ok       ok
GET_/metrics:afar           -               none   none     none   none   none  none  none     ok
GET_/metrics:bearer         -               none   ok       ok     ok     ok    ok    out      ok
GET_/files                  public          out    none     none   ok     ok    none  out      ok
GET_/files                  private         out    none     none   ok     ok    none  out      ok
GET_/files                  direct          out    none     none   ok     ok    none  out      ok
HEAD_/files                 private         out    none     none   ok     ok    none  out      ok
GET_/files:unposted         -               out    none     none   ok     none  none  out      none
GET_/files:missing          -               out    none     none   none   none  none  out      none
POST_/files                 -               out    ok       ok     ok     ok    ok    out      ok
GET_/backups                -               out    no       no     no     no    ok    out      no
GET_/backups:afar           -               out    no       no     no     no    no    out      no
GET_/backups:missing        -               out    no       no     no     no    none  out      no
POST_/restore               -               out    no       no     no     no    ok    out      no
POST_/restore:afar          -               no     no       no     no     no    no    no       no
POST_/restore:kept          -               out    no       no     no     no    ok    out      no
POST_/restore:missing       -               out    no       no     no     no    none  out      no
POST_/security-key          -               out    no       no     no     no    none  out      no
POST_/security-key:afar     -               out    no       no     no     no    no    out      no
GET_/ws                     -               out    up       up     up     up    up    out      up
POST_/api                   -               none   none     none   none   none  none  none     none
GET_/nowhere                -               none   none     none   none   none  none  none     none
"""


class Line(tuple[str, str, tuple[str, ...]]):
    """What is asked for, in which kind of room, and what comes of it for each role."""

    def __str__(self) -> str:
        return f"{self[0]} {self[1]}"


def lines(table: str) -> list[Line]:
    """The lines of one of these tables."""
    rows = [row.split() for row in table.splitlines()[2:] if row]
    return [Line((what, kind, tuple(cells))) for what, kind, *cells in rows]
