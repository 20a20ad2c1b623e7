//! Where a server writes files: below one folder, and nowhere else.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Component, Path, PathBuf},
};

const LONGEST: usize = 200;
const ENDINGS: [&str; 3] = ["db", "sqlite", "sqlite3"];

/// What a sync writes below the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A database: `sqlite:NAME`.
    File,
    /// A folder of Parquet files: `parquet:NAME`.
    Folder,
}

impl Kind {
    const ALL: [Self; 2] = [Self::File, Self::Folder];

    /// What a destination of this kind begins with.
    fn start(self) -> &'static str {
        match self {
            Self::File => "sqlite:",
            Self::Folder => "parquet:",
        }
    }

    /// The kind of a destination that lies below the folder, and its name there.
    pub(super) fn of(text: &str) -> Option<(Self, &str)> {
        let name = |kind: Self| Some((kind, text.strip_prefix(kind.start())?));
        let (kind, name) = Self::ALL.into_iter().find_map(name)?;
        Some((kind, name.strip_prefix("//").unwrap_or(name)))
    }

    /// Puts a name right, or says why it cannot be one; the whole destination.
    pub(super) fn check(self, name: &str) -> Result<String, String> {
        Ok(format!("{}{}", self.start(), named(self, name)?))
    }

    /// The whole destination on this machine, the folders on its way made.
    pub(super) fn place(self, folder: &Path, name: &str) -> Result<String, String> {
        Ok(format!("{}{}", self.start(), place(self, folder, name)?.display()))
    }
}

fn named(kind: Kind, name: &str) -> Result<&str, String> {
    let name = name.trim().trim_start_matches("./");
    let refuse = |message: &str| Err(message.to_owned());
    if name.is_empty() {
        return refuse("Name the file, such as crm.db.");
    }
    if name.len() > LONGEST || name.chars().any(|c| c.is_control() || c == '\\') {
        return refuse("This is no name of a file: at most 200 bytes, and nothing invisible.");
    }
    // What begins with a dot is kept beside Parquet files.
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(it) if !it.as_encoded_bytes().starts_with(b"."));
    if !Path::new(name).components().all(is_plain) || name.ends_with('/') {
        return refuse(
            "A server writes files only into its own folder of syncs: give a name such as crm.db, without .. and \
             without / or a dot at its beginning.",
        );
    }
    // Beside a database lie its log and others, whose names end otherwise.
    let ending = Path::new(name).extension().and_then(|it| it.to_str()).unwrap_or_default();
    if kind == Kind::File && !ENDINGS.contains(&ending) {
        return refuse("The name of the file must end in .db, .sqlite or .sqlite3.");
    }
    if kind == Kind::Folder && ENDINGS.contains(&ending) {
        return refuse("Parquet files lie in a folder: give it a name such as crm.");
    }
    Ok(name)
}

/// What has this name. Looks at what is really there: no link leads anywhere else.
fn place(kind: Kind, folder: &Path, name: &str) -> Result<PathBuf, String> {
    let name = named(kind, name)?;
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
        Ok(it) if it.is_file() && kind == Kind::File || it.is_dir() && kind == Kind::Folder => Ok(file),
        Ok(_) => Err("something else has this name".into()),
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
        let file = |name: &str| place(Kind::File, &root, name);
        assert_eq!(file(" ./crm.db").unwrap(), root.canonicalize().unwrap().join("crm.db"));
        assert!(file("eu/sales.sqlite").is_ok());
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
            "crm/.keyhaven/mirror.db",
            "./",
        ] {
            assert!(file(name).is_err(), "{name:?}");
        }
        fs::write(&out, "").unwrap();
        symlink(&out, root.join("link.db")).unwrap();
        symlink(folder.path(), root.join("up")).unwrap();
        fs::create_dir(root.join("dir.db")).unwrap();
        for name in ["link.db", "up/new.db", "dir.db"] {
            assert!(file(name).is_err(), "{name}");
        }
        let folder = |name: &str| place(Kind::Folder, &root, name);
        assert!(folder("lake/crm").is_ok() && folder("eu").is_ok());
        for name in ["../crm", "/crm", "up", "up/crm", "crm.db", ".", ".keyhaven", ""] {
            assert!(folder(name).is_err(), "{name}");
        }
    }
}
