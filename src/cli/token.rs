//! `overdue token`: the tokens of a service.

use crate::limits::MAX_TOKEN_NAME_BYTES;
use crate::server::auth::tokens::{Token, change, is_token_name, read};
use crate::server::auth::{Role, wall_clock};
use anyhow::{Context, bail};
use clap::{Subcommand, ValueEnum};
use comfy_table::{Table, TableStyle};
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

/// Creates, lists and revokes the tokens of a data folder. A running service applies changes within a second.
#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Creates a token and prints it, once: only its hash is stored
    Create(Create),
    /// Lists the tokens, without their secrets
    List(List),
    /// Revokes a token
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
pub(super) struct Create {
    /// The service's data folder
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Name of its owner: appears in logs and in records of manual actions
    #[arg(long)]
    name: String,
    /// Role: a viewer reads, an operator also loads and acknowledges, an admin also edits policies
    #[arg(long, value_enum)]
    role: RoleName,
    /// Lifetime, such as 12h or 90d; without it, the token never expires
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// The service's data folder
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct Revoke {
    /// The token's name
    name: String,
    /// The service's data folder
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleName {
    Viewer,
    Operator,
    Admin,
}

/// Runs the command.
///
/// # Errors
/// A duplicate, unknown or invalid name; an invalid time; a folder that cannot be written.
pub(super) fn run(command: &TokenCommand) -> anyhow::Result<ExitCode> {
    match command {
        TokenCommand::Create(create) => make(create),
        TokenCommand::List(list) => show(list),
        TokenCommand::Revoke(revoke) => end(revoke),
    }
}

fn make(create: &Create) -> anyhow::Result<ExitCode> {
    let name = &create.name;
    if !is_token_name(name) {
        bail!("--name {name:?}: expected 1 to {MAX_TOKEN_NAME_BYTES} letters, digits, '.', '-', '_' or '@'");
    }
    let now_ms = wall_clock::now_ms();
    let expires_ms = match &create.expires {
        None => None,
        Some(text) => {
            let after = super::serve::time(text).and_then(|time| i64::try_from(time.as_millis()).ok());
            let at_ms = after.filter(|after| *after > 0).and_then(|after| now_ms.checked_add(after));
            let at_ms = at_ms.filter(|at_ms| *at_ms < crate::time::MAX_INPUT_MS);
            Some(at_ms.with_context(|| {
                format!("--expires {text:?}: expected a time such as 12h or 90d, ending before 2100")
            })?)
        }
    };
    let role = match create.role {
        RoleName::Viewer => Role::Viewer,
        RoleName::Operator => Role::Operator,
        RoleName::Admin => Role::Admin,
    };
    let folder = &create.data_dir;
    fs::create_dir_all(folder).with_context(|| format!("cannot create the folder {}", folder.display()))?;
    let (token, secret) = Token::make(name, role, now_ms, expires_ms)?;
    change(folder, |tokens| {
        if tokens.iter().any(|known| known.name == *name) {
            bail!("there is a token {name:?} already: revoke it first, or choose another name");
        }
        tokens.push(token);
        Ok(())
    })?;
    // Alone on stdout, for scripts.
    crate::cli::common::print::print(&format!("{secret}\n"))?;
    eprintln!("This is the token {name:?} ({role}). It is shown only once; keep it safe.");
    Ok(ExitCode::SUCCESS)
}

fn show(list: &List) -> anyhow::Result<ExitCode> {
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_header(["name", "role", "created", "expires"]);
    for token in read(&list.data_dir)? {
        let expires = token.expires_at.as_deref().unwrap_or("never");
        table.add_row([&token.name, token.role.name(), &token.created_at, expires]);
    }
    crate::cli::common::print::print(&format!("{table}\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn end(revoke: &Revoke) -> anyhow::Result<ExitCode> {
    let name = &revoke.name;
    change(&revoke.data_dir, |tokens| {
        let before = tokens.len();
        tokens.retain(|token| token.name != *name);
        if tokens.len() == before {
            bail!("there is no token {name:?}");
        }
        Ok(())
    })?;
    eprintln!("The token {name:?} is revoked.");
    Ok(ExitCode::SUCCESS)
}
