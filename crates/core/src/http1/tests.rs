use std::iter;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, uri::PathAndQuery};
use hyper::ext::ReasonPhrase;

use super::*;
use crate::proxy::Payload;

fn plain_body(text: &str) -> Option<Bytes> {
    read_request(&Bytes::from(text.to_owned()), &mut Last::default()).map(|it| whole(it.body))
}

fn whole(body: Payload) -> Bytes {
    match body {
        Payload::Whole(whole) => whole,
        _ => panic!("it is plain"),
    }
}

fn answer(text: &[u8], method: &Method) -> Option<Answer> {
    read_answer(&Bytes::copy_from_slice(text), method, &mut LastNames::default())
}

#[test]
fn what_is_framed_in_one_way_is_plain_and_nothing_else() {
    let many = |count| "x-a: b\r\n".repeat(count);
    for (head, body) in [
        ("GET /x HTTP/1.1\r\nhost: a\r\n", ""),
        ("\r\nGET /x?y#z HTTP/1.1\r\nhost:\r\nx-b: c\r\n", ""),
        ("GET /x HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n", "ab"),
        ("POST /x HTTP/1.1\r\nContent-Length:  002 \r\nHost: a:1\r\nConnection: Keep-Alive\r\n", "ab"),
        (&format!("GET /x HTTP/1.1\r\nhost: a\r\n{}", many(47)), ""),
    ] {
        assert_eq!(plain_body(&format!("{head}\r\n{body}")).as_deref(), Some(body.as_bytes()), "{head}");
        // Not without its last byte, and not with one of the next message.
        for odd in
            [&format!("{head}\r\n{body}G"), &format!("{head}\r\n{body}")[..head.len() + 1 + body.len()]]
        {
            assert_eq!(plain_body(odd), None, "{odd}");
        }
        let odd = [
            "content-length: +2",
            "content-length: 2, 2",
            "content-length:",
            "content-length: 18446744073709551618",
            "transfer-encoding: chunked",
            "Transfer-Encoding: identity",
            "connection: close",
            "connection: keep-alive, close",
            "connection:",
            "upgrade: h2c",
            "expect: 100-continue",
            "te: trailers",
            "trailer: x-a",
            "x-a: 1\r\n folded",
            "x-a : 1",
            "x-a: \0",
            "x-a: \r",
        ];
        for odd in odd {
            assert_eq!(plain_body(&format!("{head}{odd}\r\n\r\n{body}")), None, "{head}{odd}");
        }
        if !body.is_empty() {
            assert_eq!(plain_body(&format!("{head}content-length: 2\r\n\r\n{body}")), None, "two lengths");
        }
    }
    for start in [
        "GET /x HTTP/1.1",
        "GET /x HTTP/1.1\r\nhost: a\r\nhost: a",
        "GET /x HTTP/1.1\r\nhost: a b",
        "GET /x HTTP/1.0\r\nhost: a",
        "GET http://a/x HTTP/1.1\r\nhost: a",
        "OPTIONS * HTTP/1.1",
        "CONNECT a:1 HTTP/1.1",
        "CONNECT /a HTTP/1.1",
        "GET /a b HTTP/1.1",
        "PRI * HTTP/2.0",
        &format!("GET /x HTTP/1.1\r\nhost: a\r\n{}x-a: b", many(47)),
    ] {
        assert_eq!(plain_body(&format!("{start}\r\n\r\n")), None, "{start}");
    }
    for (text, method, want) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab", Method::GET, Some(5)),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", Method::HEAD, Some(0)),
        ("HTTP/1.1 200 OK\r\n\r\n", Method::HEAD, Some(0)),
        ("HTTP/1.1 200 OK\r\n\r\n", Method::GET, None),
        ("HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n", Method::GET, Some(0)),
        ("HTTP/1.1 304 Not Modified\r\n\r\n", Method::GET, Some(0)),
        ("HTTP/1.1 100 Continue\r\ncontent-length: 0\r\n\r\n", Method::GET, None),
        ("HTTP/1.1 101 X\r\ncontent-length: 0\r\n\r\n", Method::HEAD, None),
        ("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", Method::GET, None),
        ("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", Method::GET, None),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", Method::HEAD, None),
        ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n", Method::GET, None),
        ("HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\n", Method::GET, None),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n", Method::GET, None),
    ] {
        assert_eq!(answer(text.as_bytes(), &method).map(|it| it.length), want, "{method} {text}");
    }
}

#[test]
fn the_last_message_changes_nothing_of_the_next() {
    let heads = [
        "a: 1\r\nb: 2",
        "a: 1\r\nb: 3",
        "A: 3\r\nB: 1",
        "b: 1\r\na: 2",
        "a: 1\r\na: 2\r\nb: 3",
        "a: 1\r\nb: 1\r\na: 2",
        "a: 9",
        "content-length: 0",
        "host: b",
    ]
    .map(|lines| format!("host: a\r\n{lines}\r\n\r\n"));
    let heads = heads.into_iter().chain(["\r\n".to_owned(), "host: a\r\n\r\n".to_owned()]);
    let heads: Vec<_> = heads.collect();
    let starts = [
        "GET /x HTTP/1.1\r\n",
        "\r\nGET /x HTTP/1.1\r\n",
        "\r\n\r\nGET /x HTTP/1.1\r\n",
        "PUT /y HTTP/1.1\n",
        "GET /x\r\n",
        "GET /x HTTP/1.1\r\nGET /x HTTP/1.1\r\n",
    ];
    let heads = heads.iter().flat_map(|lines| starts.map(|start| Bytes::from(format!("{start}{lines}"))));
    let heads: Vec<_> = heads.collect();
    let read = |head, last: &mut Last| {
        let request = read_request(head, last)?;
        let lines = request.said.headers().iter().map(|(name, value)| (name.clone(), value.clone()));
        Some((request.method, request.target, lines.collect::<Vec<_>>()))
    };
    for first in &heads {
        for second in &heads {
            let mut last = Last::default();
            read(first, &mut last);
            for next in [second, first, second] {
                assert_eq!(
                    read(next, &mut last),
                    read(next, &mut Last::default()),
                    "{next:?} after {first:?}"
                );
            }
        }
    }
}

/// All that a value can hold, and names that repeat.
fn headers() -> HeaderMap {
    let bytes = (0..=u8::MAX).filter_map(|byte| HeaderValue::from_bytes(&[b'a', byte, b'b']).ok());
    let values = bytes.chain([HeaderValue::from_static("")]);
    let mut headers = HeaderMap::new();
    for (at, value) in values.enumerate() {
        headers.append(HeaderName::try_from(format!("x-{}", at % 40)).unwrap(), value);
    }
    headers
}

/// Name and value of each line of a head, and where it ends.
fn lines(text: &[u8], is_answer: bool) -> (Vec<(String, Vec<u8>)>, usize) {
    let mut room = [httparse::EMPTY_HEADER; 400];
    let (end, headers) = if is_answer {
        let mut head = httparse::Response::new(&mut room);
        (head.parse(text).unwrap().unwrap(), &*head.headers)
    } else {
        let mut head = httparse::Request::new(&mut room);
        (head.parse(text).unwrap().unwrap(), &*head.headers)
    };
    let lines = headers.iter().map(|it| (it.name.to_owned(), it.value.to_vec()));
    (lines.collect(), end)
}

fn pairs(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect()
}

#[test]
fn a_request_is_written_as_it_will_be_read() {
    let headers = headers();
    let path = PathAndQuery::from_static("/a/%0d%0a?b=c");
    for (method, body, length) in [
        (Method::GET, "", None),
        (Method::DELETE, "", None),
        (Method::POST, "", Some("0")),
        (Method::PATCH, "", Some("0")),
        (Method::GET, "a\r\n\r\nb", Some("6")),
        (Method::PUT, "GET / HTTP/1.1\r\n\r\n", Some("18")),
    ] {
        let text =
            write_request(&method, &[path.as_str()], iter::empty(), &write_lines(&headers), body.as_bytes());
        let (got, end) = lines(&text, false);
        let mut want = pairs(&headers);
        want.extend(length.map(|it| ("content-length".into(), it.into())));
        assert_eq!((got, &text[end..]), (want, body.as_bytes()), "{method}");
        let host = (&header::HOST, &HeaderValue::from_static("a"));
        let few: HeaderMap =
            headers.iter().take(9).chain([host]).map(|(name, value)| (name.clone(), value.clone())).collect();
        let text = Bytes::from(write_request(&method, &[path.as_str()], few.iter(), &[], body.as_bytes()));
        let read = read_request(&text, &mut Last::default()).expect("it is plain");
        assert_eq!((&read.method, read.target.as_str()), (&method, path.as_str()));
        assert_eq!(whole(read.body), body);
    }
}

#[test]
fn an_answer_tells_its_length_once_or_has_none() {
    let reason = ReasonPhrase::try_from(&b"odd \xe9"[..]).unwrap();
    assert!(ReasonPhrase::try_from(&b"a\r\nb: c"[..]).is_err());
    for (status, length, told) in [
        (200, Length::Known(5), vec![("content-length", "5")]),
        (200, Length::Known(0), vec![("content-length", "0")]),
        (404, Length::Chunks, vec![("transfer-encoding", "chunked")]),
        // To HEAD, or instead of what the caller has.
        (200, Length::Bare, vec![("content-length", "77")]),
        (304, Length::Bare, vec![("content-length", "77")]),
        (204, Length::Bare, vec![]),
    ] {
        for closes in [false, true] {
            let mut headers = headers();
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("77"));
            let head = Head {
                status: StatusCode::from_u16(status).unwrap(),
                reason: Some(reason.clone()),
                fields: headers.clone().into(),
            };
            let mut text = Vec::new();
            write_answer(&mut text, &head, length, closes, || i64::MAX);
            let (got, end) = lines(&text, true);
            assert_eq!(end, text.len(), "the head alone");
            let (mut framing, rest): (Vec<_>, Vec<_>) =
                got.into_iter().partition(|(name, _)| name.contains("length") || name.contains("encoding"));
            framing.iter_mut().for_each(|(_, value)| value.make_ascii_lowercase());
            let told: Vec<_> =
                told.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
            assert_eq!(framing, told, "{status} {length:?}");
            headers.remove(header::CONTENT_LENGTH);
            let mut want = pairs(&headers);
            want.push(("date".into(), b"Fri, 31 Dec 9999 23:59:59 GMT".to_vec()));
            want.extend(closes.then(|| ("connection".to_owned(), b"close".to_vec())));
            assert_eq!(rest, want, "{status} {length:?}");
        }
    }
}

#[test]
fn what_came_is_written_as_it_came_but_for_what_does_not_pass() {
    let text = "HTTP/1.1 200 OK\r\nX-A: 1\r\nx-drop: 2\r\nX-B:3  \r\nx-c:\r\nx-d: \t\r\nContent-Length: 0\r\n\
        x-e: \u{e9}\nx-f: 6\r\nx-drop: 7\r\nx-gone: 8\r\nx-drop: 9\r\n\r\n";
    let mut head = answer(text.as_bytes(), &Method::GET).unwrap().head;
    head.fields.pass(|names| names.iter().map(|name| *name != "x-drop").collect());
    head.fields.remove(HeaderName::from_static("x-gone"));
    head.fields.add(&header::DATE, &HeaderValue::from_static("today"));
    let mut out = b"HTTP/1.1 200 OK\r\n".to_vec();
    head.fields.write(&mut out, false);
    out.extend(b"\r\n");
    let (got, _) = lines(&out, true);
    let want = [
        ("X-A", "1"),
        ("X-B", "3"),
        ("x-c", ""),
        ("x-d", ""),
        ("x-e", "\u{e9}"),
        ("x-f", "6"),
        ("date", "today"),
    ];
    assert_eq!(got, want.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())));
    assert!(!out.windows(2).any(|two| two[1] == b'\n' && two[0] != b'\r'), "no other end of line passes");
    let map = head.fields.to_map();
    let mut mapped = pairs(&map);
    mapped.retain(|(name, _)| name != "content-length");
    let again = got.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
    assert_eq!(mapped, again.collect::<Vec<_>>());
    // What a library read is written alike.
    let mut out = b"HTTP/1.1 200 OK\r\n".to_vec();
    Fields::from(map.clone()).write(&mut out, true);
    out.extend(b"\r\n");
    assert_eq!(lines(&out, true).0, pairs(&map));
}

#[test]
fn what_has_the_names_of_the_last_one_is_written_as_if_it_were_the_first() {
    let text = "a: 1\r\nContent-Length: 0\r\nb: 2\r\nc: 3\r\nd: 4\r\n";
    for rule in 0..1 << 5 {
        for removed in ["c", "x"] {
            let written = |last: &mut LastNames| {
                let text = Bytes::from(format!("HTTP/1.1 204 No Content\r\n{text}\r\n"));
                let mut head = read_answer(&text, &Method::GET, last).unwrap().head;
                head.fields.pass(|names| (0..names.len()).map(|at| rule >> at & 1 == 1).collect());
                if removed == "c" {
                    head.fields.remove(HeaderName::from_static("c"));
                }
                head.fields.add_fixed("y: 1\r\n");
                [false, true].map(|with_length| {
                    let mut out = Vec::new();
                    head.fields.write(&mut out, with_length);
                    String::from_utf8(out).unwrap()
                })
            };
            let mut last = LastNames::default();
            let first = written(&mut last);
            assert_eq!(written(&mut last), first, "{rule:b} {removed}");
            let want = text.split_inclusive('\n').enumerate().filter(|(at, line)| {
                rule >> at & 1 == 1
                    && !line.starts_with("Content-Length")
                    && !(line.starts_with("c:") && removed == "c")
            });
            assert_eq!(first[0], want.map(|(_, line)| line).collect::<String>() + "y: 1\r\n");
        }
    }
}
