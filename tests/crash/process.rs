//! The service as a process of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

pub struct Process {
    child: Child,
    pub url: String,
}

impl Process {
    /// Starts the service and waits until it says where it listens.
    pub fn start(data: &Path, policy: &Path, settings: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_overdue"))
            .args(["serve", "--no-auth", "--listen", "127.0.0.1:0", "--log-level", "error"])
            .args(settings)
            .arg("--data-dir")
            .arg(data)
            .arg("--policy")
            .arg(policy)
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = Vec::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).split(b'\n');
        let url = loop {
            let Some(Ok(line)) = lines.next() else {
                panic!("the service did not start: {:?} {said:?}", child.wait());
            };
            let line = String::from_utf8_lossy(&line).into_owned();
            if let Some(at) = line.find("http://127.0.0.1:") {
                break line[at..].split_whitespace().next().unwrap().trim_end_matches('/').to_owned();
            }
            said.push(line);
        };
        // Whatever else it says is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url }
    }

    /// SIGKILL: no destructor runs, nothing is flushed.
    pub fn kill(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, and the end.
    pub fn stop(mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
