use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::recipe::tests::MINIMAL;

const TRIPLE: StepKind = StepKind::Triple { triple: 0 };
const TO_KOREAN: StepKind = StepKind::Translation { triple: 0, language: 1 };

fn recipe() -> Recipe {
    Recipe::parse(&format!("{MINIMAL}[sampling]\ntasks = 2\n")).expect("a recipe")
}

fn english() -> Triplet {
    Triplet {
        query: "why is the sky blue".to_owned(),
        positive: "Air scatters short waves of sunlight far more than long ones, so that blue reaches the eye from every side of the heavens.".to_owned(),
        negative: "At sunset the light has to take a longer way through the air, and what is left of it when it arrives is mostly red.".to_owned(),
    }
}

fn korean() -> Triplet {
    Triplet {
        query: "하늘은 왜 파란가".to_owned(),
        positive:
            "공기는 햇빛의 짧은 파장을 긴 파장보다 훨씬 많이 흩뜨려서 파란빛이 온 하늘에서 눈에 들어온다."
                .to_owned(),
        negative: "해질녘에는 빛이 공기를 더 길게 지나야 하므로 도착할 때 남는 빛은 대부분 붉은빛이다."
            .to_owned(),
    }
}

fn reply(content: impl Into<String>) -> Reply {
    Reply {
        content: content.into(),
        refusal: None,
        finish_reason: Some("stop".to_owned()),
        id: None,
        model: None,
        usage: None,
    }
}

fn reason(kind: &StepKind, reply: &Reply, source: Option<&Triplet>) -> Option<&'static str> {
    judge(&recipe(), kind, reply, source).err().map(|r| r.reason.name())
}

#[test]
fn json_is_found_bare_fenced_and_between_words() {
    let json = english().to_json();
    for content in [
        json.clone(),
        format!("```json\n{json}\n```"),
        format!("```\n{json}```"),
        format!("Here it is:\n\n```json\n{json}\n```\nAnything else?"),
        format!("Sure. {json} Done."),
    ] {
        let made = judge(&recipe(), &TRIPLE, &reply(content), None).expect("accepted");
        assert_eq!(made, Made::Triplet(english()));
    }
}

#[test]
fn every_way_to_be_wrong_has_its_reason() {
    let with = |change: fn(&mut Triplet)| {
        let mut triplet = english();
        change(&mut triplet);
        reply(triplet.to_json())
    };
    let mut cut_off = reply(english().to_json());
    cut_off.finish_reason = Some("length".to_owned());
    let mut filtered = reply("");
    filtered.finish_reason = Some("content_filter".to_owned());
    let mut marked = reply("");
    marked.refusal = Some("No.".to_owned());
    for (reply, expected) in [
        (cut_off, "cut-off"),
        (filtered, "refusal"),
        (marked, "refusal"),
        (reply("I\u{2019}m sorry, but I can't help with that."), "refusal"),
        (
            with(|t| {
                t.positive = "I cannot write this passage, because it is about something that I must not say."
                    .to_owned()
            }),
            "refusal",
        ),
        (reply("{\"user_query\": \"a"), "not-json"),
        (reply("[1]"), "not-json"),
        (reply("{\"user_query\": \"why is the sky blue\", \"positive_document\": 3}"), "fields"),
        (with(|t| t.negative.clear()), "fields"),
        (with(|t| t.negative = t.positive.to_uppercase()), "repeated"),
        (with(|t| t.query = "sky".to_owned()), "length"),
        (with(|t| t.positive = "too short".to_owned()), "length"),
        (with(|t| t.negative = "long ".repeat(1000)), "length"),
        (with(|t| t.positive = korean().positive.repeat(2)), "language"),
        (with(|t| t.positive += " And that is why is the Sky blue!"), "query-in-positive"),
    ] {
        assert_eq!(reason(&TRIPLE, &reply, None), Some(expected), "{}", reply.content);
    }
}

#[test]
fn a_translation_is_held_against_its_source() {
    let source = english();
    let with = |change: fn(&mut Triplet)| {
        let mut triplet = korean();
        change(&mut triplet);
        reply(triplet.to_json())
    };
    assert_eq!(reason(&TO_KOREAN, &with(|_| ()), Some(&source)), None);
    for (reply, expected) in [
        (reply(source.to_json()), "untranslated"),
        (with(|t| t.query = "Why is the sky blue?".to_owned()), "untranslated"),
        (
            with(|t| {
                t.negative =
                    "Sunset light is red since it travels further through the air than at noon.".to_owned()
            }),
            "language",
        ),
        (with(|t| t.positive = "파랗다".to_owned()), "length"),
        (with(|t| t.query = t.query.repeat(40)), "length"),
    ] {
        assert_eq!(reason(&TO_KOREAN, &reply, Some(&source)), Some(expected), "{}", reply.content);
    }
}

#[test]
fn a_list_has_as_many_different_entries_as_were_asked_for() {
    let tasks = StepKind::Tasks { draw: 0 };
    let judged = |value: Value| judge(&recipe(), &tasks, &reply(value.to_string()), None);
    let made = judged(json!({"tasks": ["find a", "Find a!", " find b ", "find c"]})).expect("accepted");
    assert_eq!(made.list(), ["find a", "find b"]);
    for (value, expected) in [
        (json!({"tasks": ["find a", "Find A."]}), Reason::TooFew),
        (json!({"tasks": "find a"}), Reason::Fields),
        (json!({"tasks": ["find a", 2]}), Reason::Fields),
        (json!({"tasks": ["find a", ""]}), Reason::Length),
        (json!({"task": []}), Reason::Fields),
    ] {
        assert_eq!(judged(value.clone()).expect_err("refused").reason, expected, "{value}");
    }
}

proptest! {
    #[test]
    fn no_reply_makes_it_panic(content in "\\PC{0,80}|[\\{\\}`\"a:, ]{0,40}") {
        for kind in [TRIPLE, TO_KOREAN, StepKind::Tasks { draw: 0 }] {
            let _ = judge(&recipe(), &kind, &reply(content.clone()), Some(&english()));
        }
    }
}
