//! Hashes and compresses the assets, so that they can be cached for ever and weigh little.

#![expect(clippy::expect_used, reason = "a build script that cannot go on stops the build")]

use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::Write,
    path::Path,
};

use flate2::{Compression, write::GzEncoder};

const ASSETS: [(&str, &str); 3] = [
    ("app.css", "text/css; charset=utf-8"),
    ("app.js", "text/javascript; charset=utf-8"),
    ("htmx.min.js", "text/javascript; charset=utf-8"),
];

fn main() {
    println!("cargo::rerun-if-changed=assets");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    let mut code = String::from("pub(super) static ASSETS: &[Asset] = &[\n");
    for (name, mime) in ASSETS {
        // Cargo runs this in the package's folder. Where that is must not be kept: a build folder may serve another checkout.
        let bytes = fs::read(Path::new("assets").join(name)).expect("the asset is there");
        let plain = format!(r#"include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/{name}"))"#);
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&bytes).expect("memory takes all");
        let small = Path::new(&out).join(format!("{name}.gz"));
        fs::write(&small, gzip.finish().expect("memory takes all")).expect("the build folder can be written");
        code += &format!(
            "    Asset {{ name: {name:?}, hash: \"{:016x}\", mime: {mime:?}, plain: {plain}, gzip: include_bytes!({small:?}) }},\n",
            hasher.finish()
        );
    }
    fs::write(Path::new(&out).join("assets.rs"), code + "];\n").expect("the build folder can be written");
}
