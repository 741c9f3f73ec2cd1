//! The service as a process of its own.

use super::command::overdue;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running service; killed with the test.
pub struct Process {
    pub child: Child,
    pub url: String,
}

/// `overdue serve` on a free port.
pub fn serve(data: &Path, policy: &Path, settings: &[&str]) -> Command {
    let mut command = overdue(&["serve", "--listen", "127.0.0.1:0", "--log-level", "error", "--data-dir"]);
    command.arg(data).arg("--policy").arg(policy).args(settings);
    command
}

impl Process {
    /// Starts the service and waits until it prints its address.
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).split(b'\n');
        let mut printed = Vec::new();
        let url = loop {
            let Some(Ok(line)) = lines.next() else {
                panic!("the service did not start: {:?} {printed:?}", child.wait_with_output());
            };
            let line = String::from_utf8_lossy(&line).into_owned();
            if let Some(at) = line.find("http://127.0.0.1:") {
                break line[at..].split_whitespace().next().unwrap().trim_end_matches('/').to_owned();
            }
            printed.push(line);
        };
        // The rest is read as well, so that the service never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url }
    }

    /// SIGKILL: no destructor runs, nothing is flushed.
    pub fn kill(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
