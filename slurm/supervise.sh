# shellcheck shell=bash disable=SC2154,SC2317  # `run` is set before, stop is called by traps
# Runs surd in a Slurm job until it is done or told to stop, and puts the job back into the queue while work is left.
#
# `surd submit` appends this text to the scripts it writes; the templates in this folder source it. Before it, say
#
#   run=(surd run job.yaml)                          what to run
#   launch=(srun --mpi=pmix --kill-on-bad-exit=1)    how to start it on all ranks (this is the default)
#   max_restarts=20                                  how often the job may be put back (this is the default)
#   start_seconds=5                                  how long launch starts the ranks, at most (this is the default)
#
# and tell sbatch --requeue, --open-mode=append and --signal=B:USR1@120. The job's exit status is surd's: 0 done, 3 done but
# points failed, 64 wrong use, 70 fatal, 75 interrupted with work left, 76 interrupted again without progress.

set +eu +o pipefail  # whatever the script above has set: statuses other than 0 are looked at here
: "${max_restarts:=20}" "${start_seconds:=5}" "${retry_seconds:=5}"
[ -n "${launch+set}" ] || launch=(srun --mpi=pmix --kill-on-bad-exit=1)
job=$SLURM_JOB_ID restarts=${SLURM_RESTART_COUNT:-0}
asked=  # the last signal that came
# Else mpirun may hang where a rank is killed while it starts (openpmix issue 1233).
export PMIX_MCA_gds=${PMIX_MCA_gds:-hash}

say() { echo "$(date '+%F %T') Slurm job $SLURM_JOB_ID: $*" >&2; }

# Up to three times, for a busy controller does not always answer.
insist() {
  "$@" || { sleep "$retry_seconds" && "$@"; } || { sleep "$((4 * retry_seconds))" && "$@"; }
}

# srun and mpirun pass USR1 on to every rank; of TERM they would make an abrupt end. While they still start the ranks it
# is lost, or makes them hang (MPICH's), so they get it later, and again and again: to surd that is one wish. In a
# grandchild, for $! is to stay the launcher.
tell_launcher() {
  (
    trap '' USR1 TERM
    {
      while [ "$SECONDS" -lt "$((launched + start_seconds))" ] && kill -0 "$!"; do sleep 0.1; done
      while kill -USR1 "$!"; do sleep 2; done
    } &
  ) >/dev/null 2>&1
}

stop() {
  asked=$1
  say "SIG$1: surd is told to stop; what is finished stays"
  [ -z "$!" ] || tell_launcher
}

# Of the environment only SLURM_JOB_ID is sure to be this job's: what Slurm does not set may be left over from the shell,
# or the job, that submitted it. Slurm sets no end time before 23.02, and no number of restarts before the first. The
# number of an array's one task stands for the whole array where commands take it.
ask_about_job() {
  local id array task count end
  unset SLURM_JOB_END_TIME
  while read -r id array task count end; do
    [ "$id" = "$SLURM_JOB_ID" ] || continue
    [[ ! $task =~ ^[0-9]+$ ]] || job=${array}_$task
    restarts=$count
    end=$(date -d "$end" +%s 2>/dev/null) && export SLURM_JOB_END_TIME="$end"
  done <<<"$(SLURM_TIME_FORMAT=standard insist squeue --noheader --jobs="$SLURM_JOB_ID" \
    --Format=JobID:20,ArrayJobID:20,ArrayTaskID:20,RestartCnt:20,EndTime:30)"
  export SLURM_RESTART_COUNT=$restarts
}

# Node-local: the first that exists, for TMPDIR may be that of the submitting shell.
choose_scratch() {
  local directory
  for directory in "${SURD_SCRATCH:-}" "${SLURM_TMPDIR:-}" "${TMPDIR:-}" /tmp; do
    [ -n "$directory" ] && [ -d "$directory" ] && break
  done
  [ "$directory" = "${SURD_SCRATCH:-$directory}" ] ||
    say "SURD_SCRATCH=$SURD_SCRATCH does not exist on $(hostname): scratch goes to $directory"
  export SURD_SCRATCH=$directory
}

# srun may give up before Slurm itself notices, and puts the job back.
node_lost() { sinfo --noheader --nodes="$SLURM_JOB_NODELIST" --format=%T | grep -q -E '\*|down|fail'; }

# Sets `status`.
run_to_the_end() {
  local recorded
  launched=$SECONDS
  "${launch[@]}" "${run[@]}" &
  [ -z "$asked" ] || tell_launcher
  while kill -0 "$!" 2>/dev/null; do wait "$!"; done  # a trapped signal ends `wait` early
  wait "$!"
  status=$?
  # Ranks that leave with a status other than 0 make srun and mpirun end the others, whose status may then be that of a
  # signal; surd's own word is in the file.
  if read -r recorded 2>/dev/null <"$SURD_STATUS_FILE"; then
    status=$recorded
  elif [ -n "$asked" ] && [[ ! $status =~ ^(3|64|70|75|76)$ ]]; then
    # It died of the signal, before it could note anything; launchers give such a death different numbers, MPICH's even 0.
    status=75
  elif [[ ! $status =~ ^(0|3|64|70|75|76)$ ]] && insist node_lost; then
    say "a node does not answer any more"
    status=75
  fi
}

put_back() {
  if [ "$restarts" -ge "$max_restarts" ]; then
    say "work is left, but the job was put back $restarts times: submit it again to go on"
  elif [ "$asked" = TERM ] && [ "$(squeue --noheader --jobs="$job" --format=%T)" != RUNNING ]; then
    say "ended by Slurm, which itself puts back what it pre-empts or what lost a node; otherwise submit it again to go on"
  else
    say "work is left: back into the queue (restart $((restarts + 1)) of at most $max_restarts)"
    trap '' TERM  # requeue ends this script
    insist scontrol requeue "$job" || say "scontrol requeue failed: submit the job again to go on"
  fi
}

trap 'stop USR1' USR1
trap 'stop TERM' TERM
choose_scratch
ask_about_job
export SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-1}  # since Slurm 22.05 srun does not take it over from sbatch
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$SRUN_CPUS_PER_TASK}
SURD_STATUS_FILE=$(mktemp "$SURD_SCRATCH/surd-status-XXXXXX")
export SURD_STATUS_FILE

status=75
[ -n "$asked" ] || run_to_the_end
rm -f "$SURD_STATUS_FILE"
case $status in
  75) put_back ;;
  76) say "no progress since the last start: not put back into the queue" ;;
esac
exit "$status"
