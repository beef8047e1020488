# The only program of the machine: what is asked for, and its exit status.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
cd /sys/fs/cgroup || exit
# Out of the root: Docker looks in its own cgroup whether swap can be limited.
mkdir init
for process in $(cat cgroup.procs); do
    echo "$process" >init/cgroup.procs 2>/dev/null # not those of the kernel
done
echo "+cpuset +cpu +memory +pids +io" >cgroup.subtree_control
ip link set lo up
bash /shared/asked.sh </dev/null >/shared/log 2>&1
echo $? >/shared/status
sync
echo o >/proc/sysrq-trigger
sleep 60
