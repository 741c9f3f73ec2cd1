//! The memory of a process, as Linux counts it.

/// Bytes of a process, or of `self`, by the field of `/proc/PID/status`: `VmRSS` for now, `VmHWM` for the maximum so far.
pub fn memory_bytes(process: &str, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() << 10
}
