//! Imports between files: no cycle, and the modules of the engine import lower modules only.
//!
//! A path is followed through `pub use` to the file with the definition: a file that imports a type through its parent module
//! depends on the file of the type, not on the parent.

use super::{none, product_files, top};
use std::collections::{BTreeMap, BTreeSet};

type Module = Vec<String>;

/// The modules of the engine by floor: each may import those of lower floors. All modules are listed.
const ENGINE_FLOORS: [&[&str]; 8] = [
    &["hash", "interner", "paged_vec", "wheel"],
    &["clocks"],
    &["output"],
    &["shard"],
    &["resolve"],
    &["commands"],
    &["snapshot"],
    &["query", "rewind", "timelines", "unused_labels"],
];

#[test]
fn imports_between_files_have_no_cycle() {
    let crate_imports = Imports::read();
    let edges: BTreeMap<&Module, BTreeSet<&Module>> = crate_imports
        .files
        .keys()
        .map(|from| (from, crate_imports.edges.iter().filter(|(a, _)| a == from).map(|(_, to)| to).collect()))
        .collect();
    let mut faults = Vec::new();
    // A file is in a cycle if it can be reached from itself.
    for from in edges.keys() {
        let mut ahead: Vec<&Module> = edges[from].iter().copied().collect();
        let mut seen = BTreeSet::new();
        while let Some(next) = ahead.pop() {
            if next == *from {
                faults.push(format!("{} is in a cycle of imports", from.join("::")));
                break;
            }
            if seen.insert(next) {
                ahead.extend(edges.get(next).into_iter().flatten().copied());
            }
        }
    }
    none(&faults);
}

#[test]
fn modules_of_the_engine_import_lower_floors_only() {
    let imports = Imports::read();
    let floor = |module: &str| ENGINE_FLOORS.iter().position(|modules| modules.contains(&module));
    let mut faults = Vec::new();
    for (from, to) in &imports.edges {
        let [(Some(engine), Some(a)), (Some(other), Some(b))] =
            [from, to].map(|module| (module.first(), module.get(1)))
        else {
            continue;
        };
        if engine != "engine" || other != "engine" || a == b {
            continue;
        }
        match (floor(a), floor(b)) {
            (Some(above), Some(below)) if below < above => {}
            (Some(_), Some(_)) => faults.push(format!("{} imports {}", from.join("::"), to.join("::"))),
            _ => faults.push(format!("engine::{a} or engine::{b} is on no floor of tests/tidy/imports.rs")),
        }
    }
    none(&faults);
}

/// The modules of the crate and what each imports.
struct Imports {
    files: BTreeMap<Module, Vec<Named>>,
    /// From the file that imports to the file that defines.
    edges: BTreeSet<(Module, Module)>,
}

/// A path as a file writes it.
struct Named {
    path: Module,
    is_exported: bool,
}

impl Imports {
    fn read() -> Self {
        let mut texts: BTreeMap<Module, String> = BTreeMap::new();
        for file in product_files() {
            let path = file.path.strip_prefix(top().join("src")).expect("a source file").with_extension("");
            let mut module: Module = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            if module.last().is_some_and(|name| name == "mod" || name == "lib" || name == "main") {
                module.pop();
            }
            if !module.is_empty() {
                let code: Vec<&str> = file.code().map(|(_, line)| line).collect();
                texts.insert(module, code.join("\n"));
            }
        }
        let known: BTreeSet<&Module> = texts.keys().collect();
        let files: BTreeMap<Module, Vec<Named>> =
            texts.iter().map(|(module, code)| (module.clone(), named(module, code, &known))).collect();
        let mut exports: BTreeMap<Module, Module> = BTreeMap::new();
        for (module, paths) in &files {
            for named in paths.iter().filter(|named| named.is_exported) {
                let name = named.path.last().expect("a name").clone();
                exports.insert(module.iter().cloned().chain([name]).collect(), named.path.clone());
            }
        }
        let mut edges = BTreeSet::new();
        for (module, paths) in &files {
            for named in paths.iter().filter(|named| !named.is_exported) {
                let target = defined_in(&named.path, &files, &exports);
                if !target.is_empty() && target != *module {
                    edges.insert((module.clone(), target));
                }
            }
        }
        Self { files, edges }
    }
}

/// The file with the definition of a path.
fn defined_in(path: &Module, files: &BTreeMap<Module, Vec<Named>>, exports: &BTreeMap<Module, Module>) -> Module {
    let mut path = path.clone();
    // Bounded, in case re-exports form a cycle.
    for _ in 0..8 {
        let Some(exported) = (1..=path.len()).find_map(|end| exports.get(&path[..end]).map(|to| (end, to))) else {
            break;
        };
        let (end, to) = exported;
        path = to.iter().chain(&path[end..]).cloned().collect();
    }
    (0..=path.len()).rev().map(|end| path[..end].to_vec()).find(|prefix| files.contains_key(prefix)).unwrap_or_default()
}

/// The paths of the crate in a file, from the root of the crate.
fn named(module: &Module, code: &str, known: &BTreeSet<&Module>) -> Vec<Named> {
    let mut found = Vec::new();
    let mut rest = String::new();
    let mut at = 0;
    while let Some(start) = code[at..].find("use ").map(|start| at + start) {
        let line = code[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let visibility = code[line..start].trim();
        let is_import = visibility.is_empty() || visibility == "pub" || visibility == "pub(crate)";
        let end = code[start..].find(';').map_or(code.len(), |end| start + end);
        if !is_import {
            rest.push_str(&code[at..start + 4]);
            at = start + 4;
            continue;
        }
        let is_exported = !visibility.is_empty();
        for path in flattened(&code[start + 4..end]) {
            found.extend(from_root(module, &path, known).map(|path| Named { path, is_exported }));
        }
        rest.push_str(&code[at..start]);
        at = end;
    }
    rest.push_str(&code[at..]);
    for path in inline(&rest) {
        found.extend(from_root(module, &path, known).map(|path| Named { path, is_exported: false }));
    }
    found
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`.
fn flattened(tree: &str) -> Vec<Module> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        let path = path.split("::").map(|part| part.trim().to_owned());
        return vec![path.filter(|part| !part.is_empty() && part != "*").collect()];
    };
    let before: Module =
        tree[..open].split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
    let inside = &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())];
    let mut depth = 0;
    let parts = inside.split(|letter| {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        letter == ',' && depth == 0
    });
    parts
        .filter(|part| !part.trim().is_empty())
        .flat_map(flattened)
        .map(|path| before.iter().cloned().chain(path.into_iter().filter(|part| part != "self")).collect())
        .collect()
}

/// Paths with `::` in code that is not an import.
fn inline(code: &str) -> Vec<Module> {
    let is_path = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    code.split(|letter: char| !is_path(letter))
        .filter(|text| text.contains("::"))
        .map(|text| text.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect::<Module>())
        .filter(|path| !path.is_empty())
        .collect()
}

/// The path from the root of the crate; `None` for a path of another crate.
fn from_root(module: &Module, path: &Module, known: &BTreeSet<&Module>) -> Option<Module> {
    let mut base = match path.first()?.as_str() {
        "crate" => Module::new(),
        "super" | "self" => module.clone(),
        child => {
            let child: Module = module.iter().cloned().chain([child.to_owned()]).collect();
            return known.contains(&child).then(|| module.iter().chain(path).cloned().collect());
        }
    };
    for part in path.iter().skip_while(|part| ["crate", "self"].contains(&part.as_str())) {
        if part == "super" {
            base.pop();
        } else {
            base.push(part.clone());
        }
    }
    Some(base)
}

#[test]
fn paths_are_followed_to_their_definitions() {
    let text = |path: &[&str]| path.iter().map(|part| (*part).to_owned()).collect::<Module>();
    assert_eq!(
        flattened("a::{b, c::{d, self}, e as f}"),
        ["a::b", "a::c::d", "a::c", "a::e"].map(|path| { path.split("::").map(str::to_owned).collect::<Module>() })
    );
    let (mine, leaf) = (text(&["engine"]), text(&["engine", "wheel"]));
    let known: BTreeSet<&Module> = [&mine, &leaf].into();
    assert_eq!(from_root(&leaf, &text(&["super", "Engine"]), &known), Some(text(&["engine", "Engine"])));
    assert_eq!(from_root(&mine, &text(&["wheel", "Wheel"]), &known), Some(text(&["engine", "wheel", "Wheel"])));
    assert_eq!(from_root(&mine, &text(&["std", "fmt"]), &known), None);
    let code = "pub use wheel::Wheel;\nuse std::fmt;\nfn reuse() { crate::limits::MAX; }";
    let paths: Vec<(Module, bool)> =
        named(&mine, code, &known).into_iter().map(|named| (named.path, named.is_exported)).collect();
    assert_eq!(paths, [(text(&["engine", "wheel", "Wheel"]), true), (text(&["limits", "MAX"]), false)]);
}
