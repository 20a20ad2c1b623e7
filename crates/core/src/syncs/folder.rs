//! Where a server writes files: below one folder, and nowhere else.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Component, Path, PathBuf},
};

const LONGEST: usize = 200;
const ENDINGS: [&str; 3] = ["db", "sqlite", "sqlite3"];

/// Puts the name of a file right, or says why it cannot be one.
pub(super) fn check(name: &str) -> Result<&str, String> {
    let name = name.trim().trim_start_matches("./");
    let refuse = |message: &str| Err(message.to_owned());
    if name.is_empty() {
        return refuse("Name the file, such as crm.db.");
    }
    if name.len() > LONGEST || name.chars().any(|c| c.is_control() || c == '\\') {
        return refuse("This is no name of a file: at most 200 bytes, and nothing invisible.");
    }
    let is_below = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if !is_below || name.ends_with('/') {
        return refuse(
            "A server writes files only into its own folder of syncs: give a name such as crm.db, without .. and \
             without / at its beginning.",
        );
    }
    // Beside a database lie its log and others, whose names end otherwise.
    let ending = Path::new(name).extension().and_then(|it| it.to_str()).unwrap_or_default();
    if !ENDINGS.contains(&ending) {
        return refuse("The name of the file must end in .db, .sqlite or .sqlite3.");
    }
    Ok(name)
}

/// The file of this name, its folders made. Looks at what is really there: no link leads anywhere else.
pub(super) fn place(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let name = check(name)?;
    let told = |error: io::Error| format!("the folder of syncs on the server cannot be used: {error}");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(told)?;
    let root = folder.canonicalize().map_err(told)?;
    let mut at = root.clone();
    for part in Path::new(name).parent().into_iter().flat_map(Path::components) {
        at.push(part);
        match fs::symlink_metadata(&at) {
            Ok(it) if it.is_dir() => {}
            Ok(_) => return Err("part of the file's name is no folder".into()),
            Err(_) => fs::DirBuilder::new().mode(0o700).create(&at).map_err(told)?,
        }
    }
    let file = root.join(name);
    match fs::symlink_metadata(&file) {
        Ok(it) if it.is_file() => Ok(file),
        Ok(_) => Err("something that is no file has this name".into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(file),
        Err(error) => Err(told(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn files_are_below_the_folder_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let (root, out) = (folder.path().join("syncs"), folder.path().join("out.db"));
        assert_eq!(place(&root, " ./crm.db").unwrap(), root.canonicalize().unwrap().join("crm.db"));
        assert!(place(&root, "eu/sales.sqlite").is_ok());
        fs::write(root.join("crm.db"), "").unwrap();
        for name in [
            "",
            ".",
            "..",
            "../x.db",
            "a/../../x.db",
            "/etc/x.db",
            "a\\b.db",
            "a\0.db",
            "x.db-wal",
            "x",
            "x.db/",
            "crm.db/x.db",
            "./",
        ] {
            assert!(place(&root, name).is_err(), "{name:?}");
        }
        fs::write(&out, "").unwrap();
        symlink(&out, root.join("link.db")).unwrap();
        symlink(folder.path(), root.join("up")).unwrap();
        fs::create_dir(root.join("dir.db")).unwrap();
        for name in ["link.db", "up/new.db", "dir.db"] {
            assert!(place(&root, name).is_err(), "{name}");
        }
    }
}
