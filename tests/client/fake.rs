//! A service that keeps what it is sent and answers as it is told.

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};

/// A request that came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub path: String,
    pub key: String,
    pub token: String,
    pub body: Vec<u8>,
}

/// What to say to a request, given those before it.
pub type Script = dyn Fn(&[Seen], &Seen) -> (u16, String) + Send + Sync;

struct Shared {
    seen: Mutex<Vec<Seen>>,
    script: Box<Script>,
}

pub struct Fake {
    shared: Arc<Shared>,
    handle: ServerHandle,
    pub url: String,
}

impl Fake {
    pub fn start(script: impl Fn(&[Seen], &Seen) -> (u16, String) + Send + Sync + 'static) -> Self {
        let shared = Arc::new(Shared { seen: Mutex::default(), script: Box::new(script) });
        let (started, address) = mpsc::channel();
        let state = web::Data::from(Arc::clone(&shared));
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let body = web::PayloadConfig::new(256 << 20);
                let app =
                    move || App::new().app_data(state.clone()).app_data(body.clone()).default_service(web::to(answer));
                let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).expect("a port");
                let address = server.addrs()[0];
                let server = server.run();
                started.send((address, server.handle())).expect("somebody waits");
                server.await.expect("the fake runs");
            });
        });
        let (address, handle) = address.recv().expect("the fake starts");
        Self { shared, handle, url: format!("http://{address}") }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().expect("not poisoned").clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

async fn answer(request: HttpRequest, body: web::Bytes, shared: web::Data<Shared>) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).map_or("", |value| value.to_str().unwrap_or("?")).to_owned();
    let seen = Seen {
        path: request.uri().to_string(),
        key: header("idempotency-key"),
        token: header("authorization"),
        body: body.to_vec(),
    };
    let mut before = shared.seen.lock().expect("not poisoned");
    let (status, text) = (shared.script)(&before, &seen);
    before.push(seen);
    let mut response = HttpResponse::build(StatusCode::from_u16(status).expect("a status"));
    if status == 503 {
        response.insert_header(("retry-after", "0"));
    }
    response.content_type("application/json").body(text)
}

/// Runs the program.
pub fn overdue(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_overdue"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("OVERDUE_TOKEN")
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs")
}

pub fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
