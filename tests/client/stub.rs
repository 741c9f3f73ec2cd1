//! A stub of the service: it keeps all requests, and a script gives the responses.

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use std::sync::{Arc, Mutex, mpsc};

#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    pub key: String,
    pub token: String,
    pub body: Vec<u8>,
}

/// The status and body of a response, given the earlier requests and the current one.
pub type Script = dyn Fn(&[Request], &Request) -> (u16, String) + Send + Sync;

struct Shared {
    requests: Mutex<Vec<Request>>,
    script: Box<Script>,
}

pub struct Stub {
    shared: Arc<Shared>,
    handle: ServerHandle,
    pub url: String,
}

impl Stub {
    pub fn start(script: impl Fn(&[Request], &Request) -> (u16, String) + Send + Sync + 'static) -> Self {
        let shared = Arc::new(Shared { requests: Mutex::default(), script: Box::new(script) });
        let (started, address) = mpsc::channel();
        let state = web::Data::from(Arc::clone(&shared));
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let body = web::PayloadConfig::new(256 << 20);
                let app =
                    move || App::new().app_data(state.clone()).app_data(body.clone()).default_service(web::to(respond));
                let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).expect("a port");
                let address = server.addrs()[0];
                let server = server.run();
                started.send((address, server.handle())).expect("the test waits");
                server.await.expect("the stub runs");
            });
        });
        let (address, handle) = address.recv().expect("the stub starts");
        Self { shared, handle, url: format!("http://{address}") }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().expect("not poisoned").clone()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

async fn respond(request: HttpRequest, body: web::Bytes, shared: web::Data<Shared>) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).map_or("", |value| value.to_str().unwrap_or("?")).to_owned();
    let request = Request {
        path: request.uri().to_string(),
        key: header("idempotency-key"),
        token: header("authorization"),
        body: body.to_vec(),
    };
    let mut earlier = shared.requests.lock().expect("not poisoned");
    let (status, text) = (shared.script)(&earlier, &request);
    earlier.push(request);
    let mut response = HttpResponse::build(StatusCode::from_u16(status).expect("a status"));
    if status == 503 {
        response.insert_header(("retry-after", "0"));
    }
    response.content_type("application/json").body(text)
}
