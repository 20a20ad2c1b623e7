//! Numbers to SVG: small charts without a script, coloured by the style sheet. Texts are our own, but escaped all the same.

use std::fmt::Write;

/// One bar of two parts, the lower one first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bar {
    pub parts: [i64; 2],
    /// Told when it is pointed at.
    pub title: String,
}

/// What a chart is called, what it shows in words, and how it is coloured.
pub(super) struct Frame<'a> {
    pub id: &'a str,
    pub class: &'a str,
    pub title: &'a str,
    pub description: &'a str,
}

const HEIGHT: i64 = 64;
const LEAST: i64 = 2;
const STEP: usize = 10;

/// Bars as high as the highest one allows. It stretches to whatever room it gets.
pub(super) fn bars(frame: &Frame<'_>, bars: &[Bar]) -> String {
    let highest = bars.iter().map(|bar| bar.parts.iter().sum::<i64>()).max().unwrap_or(0).max(1);
    let Frame { id, class, title, description } = frame;
    let (width, title, description) = (bars.len() * STEP, escape(title), escape(description));
    let mut svg = format!(
        r#"<svg class="chart {class}" viewBox="0 0 {width} {}" preserveAspectRatio="none" role="img" aria-labelledby="{id}-t {id}-d"><title id="{id}-t">{title}</title><desc id="{id}-d">{description}</desc>"#,
        HEIGHT + 1
    );
    for (n, bar) in bars.iter().enumerate().filter(|(_, bar)| bar.parts.iter().any(|part| *part > 0)) {
        let _ = write!(svg, "<g><title>{}</title>", escape(&bar.title));
        let mut top = HEIGHT;
        for (part, name) in bar.parts.into_iter().zip(["lower", "upper"]).filter(|(part, _)| *part > 0) {
            // What is there is seen, however little it is.
            let high = (part.saturating_mul(HEIGHT - 2 * LEAST) / highest).max(LEAST);
            top -= high;
            let _ = write!(
                svg,
                r#"<rect class="{name}" x="{}" y="{top}" width="8" height="{high}"/>"#,
                n * STEP + 1
            );
        }
        svg += "</g>";
    }
    let _ = write!(svg, r#"<path class="base" d="M0 {HEIGHT}.5H{width}"/></svg>"#);
    svg
}

/// A whole and its parts side by side, each with the class of its colour; what is left of the whole stays empty.
pub(super) fn meter(label: &str, whole: i64, parts: &[(&str, i64)]) -> String {
    const WIDTH: i64 = 1000;
    let whole = whole.max(parts.iter().map(|(_, part)| part).sum()).max(1);
    let mut svg = format!(
        r#"<svg class="meter" viewBox="0 0 {WIDTH} 12" preserveAspectRatio="none" role="img" aria-label="{}"><rect class="whole" width="{WIDTH}" height="12"/>"#,
        escape(label)
    );
    let mut sum = 0;
    for (class, part) in parts {
        let (from, to) = (scaled(sum, whole, WIDTH), scaled(sum + part, whole, WIDTH));
        sum += part;
        if to > from {
            let _ = write!(svg, r#"<rect class="{class}" x="{from}" width="{}" height="12"/>"#, to - from);
        }
    }
    svg + "</svg>"
}

fn scaled(value: i64, whole: i64, width: i64) -> i64 {
    i64::try_from(i128::from(value) * i128::from(width) / i128::from(whole)).unwrap_or(width)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_is_the_same_text_each_time() {
        let bar = |parts, title: &str| Bar { parts, title: title.into() };
        let all =
            [bar([90, 10], "12:00: 100 calls"), bar([0, 0], "12:30"), bar([0, 1], "13:00: <1> \"call\"")];
        let frame = Frame { id: "c", class: "calls", title: "Calls", description: "Most: 100" };
        let want = concat!(
            r#"<svg class="chart calls" viewBox="0 0 30 65" preserveAspectRatio="none" role="img" aria-labelledby="c-t c-d">"#,
            r#"<title id="c-t">Calls</title><desc id="c-d">Most: 100</desc>"#,
            r#"<g><title>12:00: 100 calls</title><rect class="lower" x="1" y="10" width="8" height="54"/>"#,
            r#"<rect class="upper" x="1" y="4" width="8" height="6"/></g>"#,
            r#"<g><title>13:00: &lt;1> &quot;call&quot;</title><rect class="upper" x="21" y="62" width="8" height="2"/></g>"#,
            r#"<path class="base" d="M0 64.5H30"/></svg>"#
        );
        assert_eq!(bars(&frame, &all), want);
        assert_eq!(bars(&frame, &[]).matches("<rect").count(), 0);
    }

    #[test]
    fn numbers_of_any_size_stay_in_the_picture() {
        let frame = Frame { id: "c", class: "", title: "", description: "" };
        let svg = bars(&frame, &[Bar { parts: [i64::MAX / 64, 1], title: String::new() }]);
        assert!(!svg.contains("=\"-"), "{svg}");
        let svg = meter("x", 10, &[("p0", i64::MAX / 2), ("p1", 7)]);
        assert!(svg.contains(r#"x="0" width="999""#) || svg.contains(r#"x="0" width="1000""#), "{svg}");
    }

    #[test]
    fn a_meter_leaves_room_for_what_is_left() {
        let want = concat!(
            r#"<svg class="meter" viewBox="0 0 1000 12" preserveAspectRatio="none" role="img" aria-label="75 of 100">"#,
            r#"<rect class="whole" width="1000" height="12"/><rect class="p0" x="0" width="500" height="12"/>"#,
            r#"<rect class="p1" x="500" width="250" height="12"/></svg>"#
        );
        assert_eq!(meter("75 of 100", 100, &[("p0", 50), ("p1", 25)]), want);
    }
}
