#!/usr/bin/env bash
# A real Slurm on this one machine, for tests: munge, slurmctld and a slurmd per pretended node, with pretended GPUs.
#
#   tests/slurm/cluster.sh up              install Debian's Slurm if it is missing, start it, wait until every node is idle
#   tests/slurm/cluster.sh down            stop what `up` started
#   tests/slurm/cluster.sh clean           cancel all jobs, start what has died, wait until nothing is left of them
#   tests/slurm/cluster.sh lose NODE       a power cut: the node's daemon and all its jobs die at once
#   tests/slurm/cluster.sh return NODE     the node is back
#   tests/slurm/cluster.sh restart         slurmctld is killed and started again; `restart NODE`: that node's daemon, whose jobs run on
#
# Needs root on Debian. Writes /etc/slurm, which must not hold a configuration of somebody else.
set -euo pipefail

HOME_DIR=/var/tmp/openmath-test-slurm
MARK="# Written by the workflow's Slurm tests."
NODES=(cpu1 gpu1 gpu2)
CPUS=8 MEM_MB=16000 GPUS=4

pid_of() { cat "$HOME_DIR/run/$1.pid" 2>/dev/null || true; }
running() { local pid; pid=$(pid_of "$1"); [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; }
start() { running "$1" || "${@:2}" </dev/null >/dev/null 2>&1; } # open pipes would keep a caller that captures output waiting
stop() { # NAME SIGNAL
  local pid; pid=$(pid_of "$1"); [ -z "$pid" ] || kill -"$2" "$pid" 2>/dev/null || true
  for _ in $(seq 100); do running "$1" || break; sleep 0.1; done
  if running "$1"; then kill -KILL "$pid" 2>/dev/null || true; fi
  rm -f "$HOME_DIR/run/$1.pid"
}

install_slurm() {
  dpkg -s slurm-wlm munge >/dev/null 2>&1 && return
  # Without an init system the packages' attempts to start services would fail; 101 means "not allowed".
  [ -e /usr/sbin/policy-rc.d ] || { printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d; remove=1; }
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null
  [ -z "${remove:-}" ] || rm /usr/sbin/policy-rc.d
}

configure() {
  if [ -e /etc/slurm/slurm.conf ] && ! grep -qF "$MARK" /etc/slurm/slurm.conf; then
    echo "error: /etc/slurm/slurm.conf belongs to a cluster that these tests did not make." >&2; exit 2
  fi
  mkdir -p /etc/slurm "$HOME_DIR"/{run,log,state,spool}
  local port=17100
  {
    cat <<CONF
$MARK
ClusterName=openmath
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=17099
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# No cgroups in a container or small machine: processes are found by /proc, memory is polled.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=5
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=bf_interval=2,sched_interval=2,sched_min_interval=0
SlurmdParameters=config_overrides  # the nodes pretend to have more CPUs than this machine
GresTypes=gpu
AccountingStorageType=accounting_storage/none
StateSaveLocation=$HOME_DIR/state
SlurmdSpoolDir=$HOME_DIR/spool/%n
SlurmctldPidFile=$HOME_DIR/run/slurmctld.pid
SlurmdPidFile=$HOME_DIR/run/%n.pid
SlurmctldLogFile=$HOME_DIR/log/slurmctld.log
SlurmdLogFile=$HOME_DIR/log/%n.log
# Failures are noticed in seconds, not minutes.
SlurmctldTimeout=30
SlurmdTimeout=30
KillWait=10
MinJobAge=300
ReturnToService=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
CONF
    for node in "${NODES[@]}"; do
      port=$((port + 1))
      gres=""; [[ $node == cpu* ]] || gres="Gres=gpu:h100:$GPUS"
      echo "NodeName=$node NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=$port CPUs=$CPUS RealMemory=$MEM_MB $gres"
    done
    echo "PartitionName=cpu Nodes=cpu1 Default=YES PriorityTier=5"
    echo "PartitionName=gpu Nodes=gpu[1-2] PriorityTier=5 PreemptMode=OFF"
    echo "PartitionName=scavenge Nodes=gpu[1-2] PriorityTier=1 PreemptMode=REQUEUE"
  } >/etc/slurm/slurm.conf
  # A GPU needs a device file of its own, or Slurm counts it but sets no CUDA_VISIBLE_DEVICES: clones of /dev/null will do.
  for i in $(seq 0 $((GPUS - 1))); do [ -e "/dev/openmath-gpu$i" ] || mknod -m 666 "/dev/openmath-gpu$i" c 1 3; done
  echo "NodeName=gpu[1-2] Name=gpu Type=h100 File=/dev/openmath-gpu[0-$((GPUS - 1))]" >/etc/slurm/gres.conf
}

start_munge() {
  install -d -o munge -g munge -m 0755 /run/munge
  install -d -o munge -g munge -m 0700 /var/log/munge /var/lib/munge
  munge -n </dev/null 2>/dev/null | unmunge >/dev/null 2>&1 || runuser -u munge -- /usr/sbin/munged --force </dev/null >/dev/null 2>&1
}

start_node() { mkdir -p "$HOME_DIR/spool/$1"; start "$1" slurmd -N "$1"; }

wait_until_idle() { # minutes, on a loaded machine
  for _ in $(seq 3000); do
    [ "$(sinfo -h -N -p cpu,gpu -o %T 2>/dev/null | grep -c '^idle$')" = ${#NODES[@]} ] && return
    for node in $(sinfo -h -N -t down,drain -o %N 2>/dev/null | sort -u); do scontrol update nodename="$node" state=resume || true; done
    sleep 0.2
  done
  echo "error: the nodes are not idle:" >&2; sinfo -N >&2; exit 2
}

kill_tree() { local child; for child in $(pgrep -P "$1"); do kill_tree "$child"; done; kill -9 "$1" 2>/dev/null || true; }

case ${1:-} in
up)
  install_slurm
  configure
  start_munge
  start slurmctld slurmctld
  for node in "${NODES[@]}"; do start_node "$node"; done
  wait_until_idle
  ;;
down)
  for name in "${NODES[@]}" slurmctld; do stop "$name" TERM; done
  rm -rf "$HOME_DIR" /etc/slurm/slurm.conf /etc/slurm/gres.conf
  ;;
clean)
  start slurmctld slurmctld
  for node in "${NODES[@]}"; do start_node "$node"; done
  for _ in $(seq 600); do scancel --full --user root 2>/dev/null && break; sleep 0.2; done # the controller may just have started
  wait_until_idle
  ;;
lose)
  stop "$2" KILL
  # The step daemons outlive slurmd; those of this node hold its log or spool open.
  for step in $(pgrep -x slurmstepd || true); do
    if ls -l "/proc/$step/fd" "/proc/$step/cwd" 2>/dev/null | grep -qE "log/$2\.log|spool/$2(/|$)"; then kill_tree "$step"; fi
  done
  ;;
return)
  start_node "$2"
  wait_until_idle
  ;;
restart)
  stop "${2:-slurmctld}" KILL
  if [ -n "${2:-}" ]; then start_node "$2"; else start slurmctld slurmctld; fi
  ;;
*)
  sed -n 2,11p "$0"
  exit 2
  ;;
esac
