//! Authentication and authorization.
//!
//! A handler states the role it requires in its `#[utoipa::path]`: `security(("bearer" = ["operator"]))`. The outermost middleware
//! reads it there and rejects other callers before a byte of the body is read. The handler names the same role again: its FIRST
//! argument is [`Viewer`], [`Operator`] or [`Admin`], which also identifies the caller. A test verifies that the two agree. An
//! admin may do what an operator may, an operator what a viewer may.
//!
//! The outermost middleware looks up the token once and stores the [`Caller`] in the request's extensions.

pub(crate) mod tls;
mod token_file;
pub mod tokens;
pub mod wall_clock;

use super::problem::Problem;
use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Loads tickets, sends events, acknowledges.
    Operator,
    /// Edits policies, takes snapshots.
    Admin,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token's name.
    pub name: Arc<str>,
    pub role: Role,
    /// The token's hash; `None` where no token is required.
    pub token_hash: Option<TokenHash>,
}

/// SHA-256 of a token, as 64 hexadecimal digits.
pub type TokenHash = Arc<[u8; 64]>;

impl Caller {
    /// Checks that the caller has this role or a higher one.
    ///
    /// # Errors
    /// 403.
    pub(crate) fn must_be(&self, role: Role) -> Result<(), Problem> {
        if self.role >= role {
            return Ok(());
        }
        let message = format!("the token {:?} has the role {}, this needs {role}", self.name, self.role);
        Err(Problem::new(StatusCode::FORBIDDEN, message))
    }
}

/// 401, with the challenge that RFC 6750 requires.
pub(crate) fn unauthorized(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, detail).with_header(header::WWW_AUTHENTICATE, "Bearer realm=\"overdue\"")
}

fn caller_with(request: &HttpRequest, role: Role) -> Result<Arc<str>, Problem> {
    let extensions = request.extensions();
    // Without a caller the middleware requires no token for this path, so the route cannot require a role.
    let caller = extensions.get::<Caller>().ok_or_else(|| unauthorized("the caller is not known"))?;
    caller.must_be(role)?;
    Ok(Arc::clone(&caller.name))
}

macro_rules! extractor {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name {
            /// The name of the caller's token, recorded as the actor.
            pub actor: Arc<str>,
        }

        impl FromRequest for $name {
            type Error = Problem;
            type Future = Ready<Result<Self, Problem>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                ready(caller_with(request, Role::$name).map(|actor| Self { actor }))
            }
        }
    };
}

extractor!(
    /// A caller who may read.
    Viewer
);
extractor!(
    /// A caller who may load tickets, send events and acknowledge.
    Operator
);
extractor!(
    /// A caller who may edit policies and take snapshots.
    Admin
);
