//! The command line as people and scripts meet it.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use crate::common::{GLOBEX, GOOD, House, WRONG, run};

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

#[test]
fn the_whole_life_of_a_connection() {
    let house = House::new();
    let connect = [
        "connect",
        "pipedrive",
        "--name",
        "Sales EU",
        "--domain",
        "https://ACME.pipedrive.com/",
        "--key-stdin",
    ];
    let made = house.run(&connect, &format!("{GOOD}\n"));
    assert_eq!((code(&made), err(&made).as_str()), (0, ""));
    assert!(out(&made).contains("✓ Sales EU") && out(&made).contains("Ada · Acme Ltd"), "{}", out(&made));
    let list = out(&house.run(&["connections", "list"], ""));
    assert!(list.contains("sales-eu") && list.contains("✓ Works"), "{list}");
    assert_eq!(code(&house.run(&["connections", "rename", "sales-eu", "Sales DE"], "")), 0);
    assert_eq!(code(&house.run(&["connections", "verify", "sales-eu"], "")), 0);

    // ! is exit code 3, and says what to do.
    let edited = house.run(&["connections", "edit", "sales-eu", "--domain", "acne"], "");
    assert_eq!(code(&edited), 3);
    assert!(out(&edited).contains("! Sales DE") && out(&edited).contains("“acme”"), "{}", out(&edited));
    assert_eq!(code(&house.run(&["connections", "verify", "sales-eu"], "")), 3);
    assert_eq!(code(&house.run(&["connections", "edit", "sales-eu", "--domain", "acme"], "")), 0);

    // A key of another company wants a yes.
    let asks = house.run(&["connections", "edit", "sales-eu", "--key-stdin"], GLOBEX);
    assert_eq!(code(&asks), 1);
    assert!(
        err(&asks).contains("Globex Corp") && err(&asks).contains("--accept-other-account"),
        "{}",
        err(&asks)
    );

    // Deleting asks; without anybody to ask it says how.
    assert_eq!(code(&house.run(&["connections", "delete", "sales-eu"], "")), 2);
    assert_eq!(code(&house.run(&["connections", "delete", "sales-eu", "--yes"], "")), 0);
    assert!(out(&house.run(&["connections", "list", "--deleted"], "")).contains("sales-eu"));
    assert_eq!(code(&house.run(&["connections", "restore", "sales-eu"], "")), 0);
    assert_eq!(code(&house.run(&["connections", "delete", "sales-eu", "--yes", "--destroy"], "")), 0);
    let gone = house.run(&["connections", "show", "sales-eu"], "");
    assert_eq!(code(&gone), 1);
    assert!(err(&gone).contains("there is no connection “sales-eu”"), "{}", err(&gone));
}

#[test]
fn keys_are_never_arguments() {
    let house = House::new();
    let base = ["connect", "pipedrive", "--name", "N"];
    for more in [
        vec!["--api-key", "SECRETKEY"],
        vec!["--api-key=SECRETKEY"],
        vec!["--key", "SECRETKEY"],
        vec!["--field", "api_key=SECRETKEY"],
    ] {
        let refused = house.run(&[&base[..], &more[..]].concat(), "");
        assert_eq!(code(&refused), 2, "{more:?}");
        assert!(err(&refused).contains("--key-stdin"), "{}", err(&refused));
        assert!(!format!("{}{}", out(&refused), err(&refused)).contains("SECRETKEY"));
    }
    assert_eq!(
        out(&house.run(&["connections", "list", "--json"], "")).trim(),
        "{\n  \"items\": [],\n  \"more\": false\n}"
    );
}

#[test]
fn misuse_is_exit_code_2_and_says_how() {
    let house = House::new();
    for (arguments, says) in [
        (vec!["connect", "pipedriv", "--name", "N", "--key-stdin"], "Known apps: pipedrive"),
        (vec!["connect", "pipedrive", "--key-stdin"], "--name"),
        (vec!["connect", "pipedrive", "--name", "N", "--key-stdin"], "no API Key Value on standard input"),
        (vec!["connect", "pipedrive"], "nobody to ask"),
        (vec!["connections", "list", "--status", "fine"], "possible values"),
        (vec!["connections", "list", "--server", "nonsense"], "KEYHAVEN_TOKEN"),
        (vec!["serve", "--public-url", "ftp://x"], "public URL"),
        (vec!["serve", "--verify-every", "1s"], "out of range"),
        (vec!["frobnicate"], "unrecognized subcommand"),
    ] {
        let output = house.run(&arguments, "");
        assert_eq!(code(&output), 2, "{arguments:?} {}", err(&output));
        assert!(err(&output).contains(says), "{arguments:?}: {}", err(&output));
    }
    let wrong =
        house.run(&["connect", "pipedrive", "--name", "", "--domain", "a b", "--key-stdin", "--json"], GOOD);
    assert_eq!(code(&wrong), 2);
    let problem: Value = serde_json::from_str(&err(&wrong)).unwrap();
    assert_eq!(problem["error"]["code"], "invalid_fields");
    assert_eq!(problem["error"]["errors"].as_array().unwrap().len(), 2);
}

#[test]
fn a_server_and_this_machine_answer_alike() {
    let house = House::new();
    let server = house.serve(&[]);
    let far = |arguments: &[&str], input: &str| {
        let mut command = house.command(arguments);
        command
            .env("KEYHAVEN_SERVER", &server.url)
            .env("KEYHAVEN_TOKEN", &server.token)
            .env("KEYHAVEN_DATA", "/nonexistent");
        run(&mut command, input)
    };
    let connect =
        |name| ["connect", "pipedrive", "--name", name, "--domain", "acme", "--key-stdin", "--json"];
    let made: Value = serde_json::from_str(&out(&far(&connect("Far"), GOOD))).unwrap();
    assert_eq!((&made["status"], &made["account"]["user"]), (&json!("valid"), &json!("Ada")));
    assert_eq!(code(&far(&connect("Bad"), WRONG)), 3);
    for arguments in [
        vec!["connections", "list", "--json"],
        vec!["connections", "show", "far", "--json"],
        vec!["connectors", "list", "--json"],
        vec!["connectors", "show", "pipedrive", "--json"],
    ] {
        let (near, far) = (house.run(&arguments, ""), far(&arguments, ""));
        assert_eq!(code(&far), 0, "{}", err(&far));
        assert_eq!(out(&near), out(&far), "{arguments:?}");
    }
    for arguments in [
        vec!["connections", "rename", "far", "Farther"],
        vec!["connections", "edit", "far", "--domain", "acme"],
        vec!["connections", "delete", "far", "--yes"],
        vec!["connections", "restore", "far"],
        vec!["connections", "verify", "far"],
        vec!["doctor"],
    ] {
        let output = far(&arguments, "");
        assert_eq!(code(&output), 0, "{arguments:?} {}", err(&output));
    }
    let mut stranger = house.command(&["connections", "list"]);
    let refused = run(stranger.env("KEYHAVEN_SERVER", &server.url).env("KEYHAVEN_TOKEN", "kh_wrong"), "");
    assert_eq!(code(&refused), 1);
    assert!(err(&refused).contains("KEYHAVEN_TOKEN"), "{}", err(&refused));
    let mut nobody = house.command(&["connections", "list", "--server", "http://127.0.0.1:1"]);
    let unreachable = run(nobody.env("KEYHAVEN_TOKEN", "kh_x"), "");
    assert!(err(&unreachable).contains("does not answer"), "{}", err(&unreachable));
}

#[test]
fn tokens_links_and_health() {
    let house = House::new();
    let made =
        house.run(&["token", "create", "--data", house.data.path().to_str().unwrap(), "--name", "ci"], "");
    let token = out(&made);
    assert!(token.starts_with("kh_") && token.trim().len() == 51 && token.lines().count() == 1, "{token:?}");
    assert!(out(&house.run(&["token", "list"], "")).contains("active"));
    assert_eq!(code(&house.run(&["token", "revoke", "ci"], "")), 0);
    assert_eq!(code(&house.run(&["token", "revoke", "nobody"], "")), 1);
    // A link leads to the server that runs, unless another address is named; one that was killed runs no more.
    let link = |more: &[&str]| {
        let link = out(&house.run(&[&["sign-in-link"], more].concat(), ""));
        link.split_once("/sign-in?token=khl_").unwrap_or_else(|| panic!("{link}")).0.to_owned()
    };
    let default = "http://127.0.0.1:8787";
    assert_eq!(link(&[]), default);
    let server = house.serve(&[]);
    assert_eq!(link(&[]), server.url);
    assert_eq!(link(&["--public-url", "https://kh.example"]), "https://kh.example");
    drop(server);
    assert_eq!(link(&[]), default);
    let doctor = house.run(&["doctor", "--json"], "");
    assert_eq!(code(&doctor), 0);
    let findings: Value = serde_json::from_str(&out(&doctor)).unwrap();
    assert!(
        findings["findings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["what"] == "egress" && it["level"] == "warning")
    );

    // The data are for nobody else.
    use std::os::unix::fs::PermissionsExt;
    for file in ["master.key", "keyhaven.db"] {
        let mode = std::fs::metadata(house.data.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    // Without its key the database stays shut, and no new key is made in its place.
    let key = house.data.path().join("master.key");
    let text = std::fs::read_to_string(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    let lost = house.run(&["connections", "list"], "");
    assert_eq!(code(&lost), 1);
    assert!(err(&lost).contains("put the file back") && !key.exists(), "{}", err(&lost));
    let mut given = house.command(&["connections", "list"]);
    assert_eq!(code(&run(given.env("KEYHAVEN_MASTER_KEY", text.trim()), "")), 0);
    let other = "khm1_0000";
    let mut wrong = house.command(&["connections", "list"]);
    let refused = run(wrong.env("KEYHAVEN_MASTER_KEY", other), "");
    assert!(err(&refused).contains("khm1_") && !err(&refused).contains("0000"), "{}", err(&refused));
}

#[test]
fn connectors_from_a_folder_are_read_or_refused_at_start() {
    let house = House::new();
    let folder = tempfile::tempdir().unwrap();
    let mine = folder.path().join("mine");
    std::fs::create_dir(&mine).unwrap();
    let built_in = concat!(env!("CARGO_MANIFEST_DIR"), "/../../connectors/http-bearer");
    for file in ["connector.toml", "guide.md", "icon.svg"] {
        let text = std::fs::read_to_string(format!("{built_in}/{file}")).unwrap();
        std::fs::write(mine.join(file), text.replace("id = \"http-bearer\"", "id = \"mine\"")).unwrap();
    }
    let list = |house: &House| {
        house.run(&["connectors", "list", "--connectors", folder.path().to_str().unwrap()], "")
    };
    assert!(out(&list(&house)).contains("mine"));
    let toml = std::fs::read_to_string(mine.join("connector.toml")).unwrap();
    std::fs::write(mine.join("connector.toml"), toml.replace("kind = \"url\"", "kind = \"text\"")).unwrap();
    let refused = list(&house);
    assert_eq!(code(&refused), 1);
    assert!(err(&refused).contains("mine/connector.toml:6: hosts.0"), "{}", err(&refused));
}

#[test]
fn it_explains_itself() {
    let house = House::new();
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(code(&house.run(&["man", folder.path().to_str().unwrap()], "")), 0);
    assert!(folder.path().join("keyhaven.1").exists() && folder.path().join("keyhaven-connect.1").exists());
    for shell in ["bash", "zsh", "fish"] {
        assert!(out(&house.run(&["completions", shell], "")).contains("connections"), "{shell}");
    }
    let help = out(&house.run(&["connect", "--help"], ""));
    assert!(help.contains("--domain") && help.contains("Examples:") && !help.contains("--api-key"), "{help}");
}

#[test]
fn an_empty_variable_is_none_and_none_is_told_as_missing() {
    let house = House::new();
    let help = out(&house.run(&["serve", "--help"], "")) + &out(&house.run(&["sync", "--help"], ""));
    let words = help.split(|c: char| !c.is_ascii_uppercase() && c != '_');
    let names: Vec<_> = words.filter(|word| word.starts_with("KEYHAVEN_")).collect();
    assert!(names.contains(&"KEYHAVEN_DATABASE") && names.contains(&"KEYHAVEN_SYNC_TO"), "{names:?}");
    let empty = names.iter().filter(|name| **name != "KEYHAVEN_DATA").map(|name| (*name, ""));
    let mut command = house.command(&["doctor"]);
    let doctor = run(command.envs(empty).env("KEYHAVEN_MASTER_KEY", ""), "");
    assert_eq!(code(&doctor), 0, "{}{}", out(&doctor), err(&doctor));

    let usage = err(&house.run(&["run"], ""));
    assert!(usage.contains("Usage: keyhaven run [OPTIONS] <CONNECTION>"), "{usage}");
    assert!(!usage.contains("--data") && !usage.contains("--egress-override"), "{usage}");
}

/// A program that asked for JSON gets JSON, whatever goes wrong; help stays help.
#[test]
fn usage_errors_are_json_where_it_is_asked_for() {
    let house = House::new();
    for (arguments, says) in [
        (&["--json", "fly"][..], "unrecognized subcommand 'fly'"),
        (&["--json"][..], "requires a subcommand"),
        (&["--json", "connections"][..], "there is no command"),
        (&["connections", "list", "--status", "fine", "--json"][..], "invalid value 'fine'"),
        (&["token", "create", "--json"][..], "--name <NAME>"),
        (&["serve", "--listen", "here", "--json"][..], "invalid value 'here'"),
    ] {
        let output = house.run(arguments, "");
        assert_eq!((code(&output), out(&output).as_str()), (2, ""), "{arguments:?}");
        let problem: Value = serde_json::from_str(&err(&output)).unwrap();
        let message = problem["error"]["message"].as_str().unwrap();
        assert!(message.contains(says) && !message.contains('\n'), "{message}");
        assert_eq!(problem["error"]["code"], "bad_usage");
    }
    let help = house.run(&["--json", "--help"], "");
    assert_eq!(code(&help), 0);
    assert!(out(&help).contains("Usage:"));
}

/// A program that starts a server learns where it is and how to sign in.
#[test]
fn servers_tell_where_they_are_as_json() {
    let house = House::new();
    for (arguments, link) in [
        (&["serve", "--listen", "127.0.0.1:0", "--json"][..], "/link"),
        (&["demo", "--listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0", "--json"][..], "/link"),
        (&["sandbox", "--listen", "127.0.0.1:0", "--json"][..], "/egress_override"),
    ] {
        let mut child = house.command(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        // Not killed: the demo has a folder to take away.
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        child.wait().unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        let url = told["url"].as_str().unwrap();
        assert!(told.pointer(link).and_then(Value::as_str).unwrap().contains(url), "{told}");
    }
}
