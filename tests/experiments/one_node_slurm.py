"""A real Slurm cluster of one node, on ports and in a folder of its own."""

import os
import shutil
import socket
import subprocess
import time

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel")
CONFIG = """\
ClusterName=book
SlurmctldHost=localhost
SlurmUser=root
SlurmctldPort={controller}
SlurmdPort={daemon}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_interval=1,batch_sched_delay=0
KillWait=2
NodeName=node1 NodeHostname={host} NodeAddr=localhost CPUs=4 RealMemory=4000 State=UNKNOWN
PartitionName=main Nodes=node1 Default=YES MaxTime=INFINITE State=UP
"""


def obstacle():
    """Why no cluster can be started here, or None."""
    if os.geteuid() != 0:
        return "its daemons need root"
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    return f"not installed: {', '.join(missing)} (slurm-wlm, munge)" if missing else None


class OneNodeSlurm:
    """Start the daemons on entry, end them on exit."""

    def __init__(self, folder):
        self.folder, self.config, self.daemons = folder, folder / "slurm.conf", []

    def __enter__(self):
        munge = self.folder / "munge"
        for name in ("munge", "state", "spool"):
            (self.folder / name).mkdir()
        (munge / "key").write_bytes(os.urandom(1024))
        (munge / "key").chmod(0o400)
        controller, daemon = _free_ports(2)
        host = socket.gethostname().partition(".")[0]
        self.config.write_text(
            CONFIG.format(folder=self.folder, controller=controller, daemon=daemon, host=host)
        )
        files = {"socket": "socket", "key-file": "key", "pid-file": "pid", "seed-file": "seed"}
        options = [f"--{key}={munge / name}" for key, name in files.items()]
        self._start("munged", "--foreground", "--force", f"--log-file={munge / 'log'}", *options)
        self._until(lambda: (munge / "socket").exists())
        self._start("slurmctld", "-D", "-f", self.config)
        self._start("slurmd", "-D", "-N", "node1", "-f", self.config)
        self._until(lambda: "idle" in self.call("sinfo", "--noheader", "--format=%T"))
        return self

    def __exit__(self, *_):
        if len(self.daemons) == 3:
            self.call("scancel", "--me", "--signal=KILL", "--full")
            self.call("scancel", "--me")
            deadline = time.monotonic() + 20
            while self.call("squeue", "--noheader") and time.monotonic() < deadline:
                time.sleep(0.2)
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def environ(self):
        """Environment variables with which commands find this cluster."""
        return {"SLURM_CONF": str(self.config)}

    def call(self, *command):
        """Output of a command of Slurm."""
        done = subprocess.run(
            command, capture_output=True, text=True, env=os.environ | self.environ()
        )
        return done.stdout.strip()

    def job_of(self, pid):
        """Id of the job that a process belongs to."""
        with open(f"/proc/{pid}/environ") as file:
            found = dict(v.partition("=")[::2] for v in file.read().split("\0"))
        if "SLURM_ARRAY_JOB_ID" in found:  # the last task's own id stands for the whole array
            return f"{found['SLURM_ARRAY_JOB_ID']}_{found['SLURM_ARRAY_TASK_ID']}"
        return found["SLURM_JOB_ID"]

    def _start(self, *command):
        log = open(self.folder / f"{command[0]}.out", "w")
        with log:
            self.daemons.append(
                subprocess.Popen(
                    [str(word) for word in command],
                    stdout=log,
                    stderr=log,
                    env=os.environ | self.environ(),
                )
            )

    def _until(self, condition, seconds=30):
        deadline = time.monotonic() + seconds
        while not condition():
            dead = [d for d in self.daemons if d.poll() is not None]
            if dead or time.monotonic() > deadline:
                logs = sorted(self.folder.glob("*.out"))
                said = [line for log in logs for line in log.read_text().splitlines()[-2:]]
                self.__exit__()
                raise RuntimeError(f"no Slurm: {'; '.join(said)}")
            time.sleep(0.1)


def _free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("localhost", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
