//! Compiles the connectors' folder in.

#![expect(clippy::expect_used, reason = "a build script that cannot go on stops the build")]

use std::{env, fmt::Write, fs, path::Path};

fn main() {
    // Relative to the package, which is where cargo runs this: a build folder may come from another checkout.
    let root = Path::new("../../connectors");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut code = String::from("/// Folder name to its files.\nstatic BUILT_IN: &[(&str, Files)] = &[\n");
    for folder in sorted(root).iter().filter(|path| path.is_dir()) {
        println!("cargo::rerun-if-changed={}", folder.display());
        writeln!(code, "    ({:?}, &[", name(folder)).expect("a String takes all");
        for file in sorted(folder) {
            // Told when the package is compiled, so that what this wrote holds for another checkout.
            let full =
                format!(r#"concat!(env!("CARGO_MANIFEST_DIR"), "/", {:?})"#, file.display().to_string());
            writeln!(code, "        ({:?}, include_bytes!({full})),", name(&file))
                .expect("a String takes all");
        }
        code += "    ]),\n";
    }
    code += "];\n";
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("built_in.rs");
    fs::write(out, code).expect("the build folder can be written");
}

fn sorted(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).expect("the connectors' folder is there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a readable entry").path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}
