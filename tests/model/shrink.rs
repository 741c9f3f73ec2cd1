//! Shrinks a failing run: drops tickets, commands and rows while it still fails.

use super::run::{Command, Mismatch, Row};
use std::collections::BTreeSet;

/// The smallest run found for which `fails` still returns a mismatch; `None` if the run does not fail.
pub fn shrink(
    commands: Vec<Command>,
    fails: impl Fn(&[Command]) -> Option<Mismatch>,
) -> Option<(Vec<Command>, Mismatch)> {
    let mut mismatch = fails(&commands)?;
    let mut commands = commands;
    commands.truncate(mismatch.command + 1);
    loop {
        let size = size(&commands);
        let tickets: BTreeSet<String> = rows(&commands).map(|row| row.ticket.clone()).collect();
        for ticket in tickets {
            keep_if_failing(&mut commands, &mut mismatch, &fails, |commands| {
                keep_rows(commands, |row| row.ticket != ticket);
            });
        }
        for index in (0..commands.len()).rev() {
            keep_if_failing(&mut commands, &mut mismatch, &fails, |commands| {
                if index < commands.len() {
                    commands.remove(index);
                }
            });
        }
        for index in (0..rows(&commands).count()).rev() {
            keep_if_failing(&mut commands, &mut mismatch, &fails, |commands| {
                let mut at = 0;
                keep_rows(commands, |_| {
                    at += 1;
                    at - 1 != index
                });
            });
        }
        if self::size(&commands) == size {
            return Some((commands, mismatch));
        }
    }
}

fn keep_if_failing(
    commands: &mut Vec<Command>,
    mismatch: &mut Mismatch,
    fails: &impl Fn(&[Command]) -> Option<Mismatch>,
    change: impl FnOnce(&mut Vec<Command>),
) {
    let mut smaller = commands.clone();
    change(&mut smaller);
    smaller.retain(|command| !matches!(command, Command::Apply(rows, _) if rows.is_empty()));
    if size(&smaller) < size(commands)
        && let Some(still) = fails(&smaller)
    {
        smaller.truncate(still.command + 1);
        (*commands, *mismatch) = (smaller, still);
    }
}

fn size(commands: &[Command]) -> usize {
    commands.len() + rows(commands).count()
}

fn rows<'a>(commands: &'a [Command]) -> impl Iterator<Item = &'a Row> {
    let of = |command: &'a Command| match command {
        Command::Apply(rows, _) => rows.as_slice(),
        _ => &[],
    };
    commands.iter().flat_map(of)
}

fn keep_rows(commands: &mut [Command], mut keep: impl FnMut(&Row) -> bool) {
    for command in commands {
        if let Command::Apply(rows, _) = command {
            rows.retain(&mut keep);
        }
    }
}
