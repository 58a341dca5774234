"""The task for Windows' Task Scheduler, started with the computer, whoever is signed in or not.

https://learn.microsoft.com/windows/win32/taskschd/task-scheduler-schema
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import PureWindowsPath
from subprocess import list2cmdline

from chatbox.service.plans import MISSING, RUNNING, STOPPED, Plan, Service, Step

NAME = "Chatbox"
FILE = "service.xml"
_STATE = f"(Get-ScheduledTask -TaskName {NAME} -ErrorAction Stop).State.ToString()"  # in English everywhere

_TASK = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>Chatbox, a chat server for the local network</Description>
  </RegistrationInfo>
  <Triggers>
    <BootTrigger />
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>{account}</UserId>
      <LogonType>S4U</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>5</Priority>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>999</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{program}</Command>
      <Arguments>{arguments}</Arguments>
      <WorkingDirectory>{folder}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""


def task(service: Service) -> bytes:
    """The task as XML. S4U: as this account, which need not be signed in, and whose password nobody keeps."""
    program, *arguments = service.command
    text = _TASK.format(
        account=escape(service.account, quote=False),
        program=escape(program, quote=False),
        arguments=_line(arguments),
        folder=escape(str(service.data), quote=False),
    )
    return text.replace("\n", "\r\n").encode("utf-16")


def _line(words: Sequence[str]) -> str:
    return escape(list2cmdline(words), quote=False)


def plan(service: Service) -> Plan:
    """How it is done with schtasks, as an administrator."""
    file = PureWindowsPath(service.data) / FILE
    end = Step(("schtasks", "/End", "/TN", NAME), "It is stopped.", "It was not running.")
    delete = Step(("schtasks", "/Delete", "/F", "/TN", NAME), "It starts no more.")
    return Plan(
        file=file,
        content=task(service),
        mark=_line(service.named),
        enable=(
            Step(
                ("schtasks", "/Create", "/F", "/TN", NAME, "/XML", str(file)),
                "It starts with this computer, whether or not somebody signs in.",
            ),
        ),
        start=(Step(("schtasks", "/Run", "/TN", NAME), "It runs now."),),
        disable=(delete,),
        remove=(end, delete),
        status=("powershell", "-NoProfile", "-NonInteractive", "-Command", _STATE),
        notes=(f"It can be seen in the Task Scheduler, as {NAME}.",),
    )


def state(code: int, output: str) -> str:
    """What the status command says."""
    if code:
        return MISSING
    return RUNNING if output.strip() == "Running" else STOPPED
