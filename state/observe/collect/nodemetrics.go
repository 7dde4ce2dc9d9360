package collect

const (
	fromMounts = "statfs"
	fromStat   = "/proc/stat"
	fromLoad   = "/proc/loadavg"
	fromFileNr = "/proc/sys/fs/file-nr"
)

var (
	nodeLoad1     = gauge("node_load1", fromLoad, "Load, over a minute.")
	nodeLoad5     = gauge("node_load5", fromLoad, "Load, over five minutes.")
	nodeLoad15    = gauge("node_load15", fromLoad, "Load, over fifteen minutes.")
	nodeTime      = gauge("node_time_seconds", "the clock", "The time.")
	nodeCPU       = counter("node_cpu_seconds_total", fromStat, "What processors did.", "cpu", "mode")
	nodeFilesUsed = gauge("node_filefd_allocated", fromFileNr, "Open files.")
	nodeFilesMost = gauge("node_filefd_maximum", fromFileNr, "How many files may be open.")

	nodeSize      = gauge("node_filesystem_size_bytes", fromMounts, "Size.", mountLabels...)
	nodeFree      = gauge("node_filesystem_free_bytes", fromMounts, "What is free, for root.", mountLabels...)
	nodeAvail     = gauge("node_filesystem_avail_bytes", fromMounts, "What is free, for everybody.", mountLabels...)
	nodeFiles     = gauge("node_filesystem_files", fromMounts, "How many files there may be.", mountLabels...)
	nodeFilesFree = gauge("node_filesystem_files_free", fromMounts, "How many more files there may be.", mountLabels...)
	nodeReadonly  = gauge("node_filesystem_readonly", "/proc/self/mounts", "Whether it cannot be written to.", mountLabels...)
)

var mountLabels = []string{"device", "fstype", "mountpoint"}

// nodeStat are lines of /proc/stat.
var nodeStat = []field{
	{"btime", gauge("node_boot_time_seconds", fromStat, "When it booted.")},
	{"ctxt", counter("node_context_switches_total", fromStat, "Context switches.")},
	{"processes", counter("node_forks_total", fromStat, "Processes begun.")},
	{"procs_running", gauge("node_procs_running", fromStat, "Processes that can run.")},
	{"procs_blocked", gauge("node_procs_blocked", fromStat, "Processes that wait for a disk.")},
}

// nodeMemory are lines of /proc/meminfo.
var nodeMemory = []field{
	meminfo("MemTotal", "All memory."), meminfo("MemFree", "Memory in no use."), meminfo("MemAvailable", "Memory that could be had without swapping."),
	meminfo("Buffers", "Buffers of block devices."), meminfo("Cached", "Pages of files."), meminfo("Active", "Memory used lately."), meminfo("Inactive", "Memory not used lately."),
	meminfo("SwapTotal", "All swap."), meminfo("SwapFree", "Swap in no use."), meminfo("SwapCached", "Swap that is in memory, too."),
	meminfo("Dirty", "Waits to be written."), meminfo("Writeback", "Is being written."), meminfo("AnonPages", "Memory of programs."), meminfo("Mapped", "Mapped files."),
	meminfo("Shmem", "Shared memory and tmpfs."), meminfo("Slab", "The kernel's own."), meminfo("SReclaimable", "Of that, what could be had."), meminfo("SUnreclaim", "Of that, what could not."),
	meminfo("KernelStack", "Stacks of the kernel."), meminfo("PageTables", "Page tables."), meminfo("CommitLimit", "How much memory may be promised."), meminfo("Committed_AS", "How much memory is promised."),
}

func meminfo(name, help string) field {
	return field{name, gauge("node_memory_"+name+"_bytes", "/proc/meminfo", help)}
}

// nodeVmstat are lines of /proc/vmstat.
var nodeVmstat = []field{
	vmstat("oom_kill", "Processes killed because memory ran out."), vmstat("pgfault", "Page faults."), vmstat("pgmajfault", "Page faults that took a disk."),
	vmstat("pgpgin", "KiB read from disks."), vmstat("pgpgout", "KiB written to disks."), vmstat("pswpin", "Pages swapped in."), vmstat("pswpout", "Pages swapped out."),
}

func vmstat(name, help string) field {
	return field{name, Metric{Name: "node_vmstat_" + name, Type: "untyped", Help: help, From: "/proc/vmstat"}}
}

// pressures are the files of /proc/pressure, and what their lines are.
var pressures = map[string]map[string]Metric{
	"cpu":    {"some": counter("node_pressure_cpu_waiting_seconds_total", "/proc/pressure/cpu", "Some waited for a processor.")},
	"io":     {"some": counter("node_pressure_io_waiting_seconds_total", "/proc/pressure/io", "Some waited for a disk."), "full": counter("node_pressure_io_stalled_seconds_total", "/proc/pressure/io", "All waited for a disk.")},
	"memory": {"some": counter("node_pressure_memory_waiting_seconds_total", "/proc/pressure/memory", "Some waited for memory."), "full": counter("node_pressure_memory_stalled_seconds_total", "/proc/pressure/memory", "All waited for memory.")},
}

func nodeMetrics() []Metric {
	all := []Metric{nodeLoad1, nodeLoad5, nodeLoad15, nodeTime, nodeCPU, nodeFilesUsed, nodeFilesMost, nodeSize, nodeFree, nodeAvail, nodeFiles, nodeFilesFree, nodeReadonly}
	for _, table := range [][]field{nodeStat, nodeMemory, nodeVmstat} {
		all = append(all, values(table)...)
	}
	for _, what := range []string{"cpu", "io", "memory"} {
		for _, kind := range []string{"some", "full"} {
			if m, ok := pressures[what][kind]; ok {
				all = append(all, m)
			}
		}
	}
	return all
}
