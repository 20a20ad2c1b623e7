//! What people have today: a script that reads pages and writes rows.

use std::{path::Path, process::Command};

use crate::KEY;

const DEALS: u32 = 25_000;

const SCRIPT: &str = r#"
import json, sqlite3, sys, time, urllib.request
base, key, file, most = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
db = sqlite3.connect(file)
names, cursor, count, began = None, None, 0, time.time()
while count < most:
    url = base + "/api/v2/deals?status=open,won,lost&limit=500&sort_by=id&sort_direction=asc&include_fields=products_count"
    url += "&cursor=" + cursor if cursor else ""
    request = urllib.request.Request(url, headers={"x-api-token": key, "host": "acme.pipedrive.com"})
    page = json.load(urllib.request.urlopen(request))
    rows = []
    for deal in page["data"]:
        custom = deal.pop("custom_fields")
        rows.append({k: json.dumps(v) if isinstance(v, (list, dict)) else v for k, v in {**deal, **custom}.items()})
    if names is None:
        names = list(rows[0])
        db.execute("create table deals (%s)" % ", ".join('"%s"' % name for name in names))
    marks = ", ".join("?" * len(names))
    db.executemany("insert into deals values (%s)" % marks, [[row.get(name) for name in names] for row in rows])
    db.commit()
    count += len(rows)
    cursor = page["additional_data"]["next_cursor"]
    if not cursor:
        break
print(count / (time.time() - began))
"#;

pub(crate) fn per_second(address: &str, folder: &Path) -> f64 {
    println!("a script");
    let output = Command::new("python3")
        .args(["-c", SCRIPT, &format!("http://{address}"), KEY])
        .arg(folder.join("script.db"))
        .arg(DEALS.to_string())
        .output()
        .expect("python3");
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}
