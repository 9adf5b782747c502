//! Languages: what they are called in prompts, and what their texts look like.

use unicode_script::{Script, UnicodeScript};

/// A language that triples can be in.
#[derive(Debug)]
pub(crate) struct Language {
    /// Its code in files.
    pub(crate) code: &'static str,
    /// Its name in prompts.
    pub(crate) name: &'static str,
    /// The scripts that it is written in.
    scripts: &'static [Script],
    /// A script without which a passage is in another language: Japanese has Han like Chinese.
    needs: Option<Script>,
    /// Its most frequent function words, for languages that share the Latin script.
    words: &'static str,
}

use Script::{
    Arabic, Bengali, Cyrillic, Devanagari, Georgian, Greek, Han, Hangul, Hebrew, Hiragana, Katakana, Latin,
    Tamil, Telugu, Thai,
};

const fn of(code: &'static str, name: &'static str, scripts: &'static [Script]) -> Language {
    Language { code, name, scripts, needs: None, words: "" }
}

const fn latin(code: &'static str, name: &'static str, words: &'static str) -> Language {
    Language { code, name, scripts: &[Latin], needs: None, words }
}

const LANGUAGES: [Language; 36] = [
    of("ar", "Arabic", &[Arabic]),
    of("bg", "Bulgarian", &[Cyrillic]),
    of("bn", "Bengali", &[Bengali]),
    latin("cs", "Czech", "a je se na že v s z jsou nebo které jako pro jeho jsem"),
    latin("da", "Danish", "og er det en af til på med ikke der som den har blev"),
    latin("de", "German", "der die das und ist nicht ein eine zu den mit von auf wird sich dem im"),
    of("el", "Greek", &[Greek]),
    latin("en", "English", "the of and to is in that it was for with as are by which this from"),
    latin("es", "Spanish", "el los las y del una que es por con se su como más fue sus al"),
    of("fa", "Persian", &[Arabic]),
    latin("fi", "Finnish", "ja on ei että se oli joka mutta sen kun ovat myös"),
    latin("fr", "French", "le les des et est une dans qui du pour sur par au ce sont avec ne pas"),
    of("he", "Hebrew", &[Hebrew]),
    of("hi", "Hindi", &[Devanagari]),
    latin("hu", "Hungarian", "az és hogy nem egy volt is ez meg mint vagy amely"),
    latin("id", "Indonesian", "yang dan di dengan untuk dari pada ini itu dalam tidak adalah oleh"),
    latin("it", "Italian", "il gli di che è e della per una con del sono non nel si alla da"),
    Language { needs: Some(Hiragana), ..of("ja", "Japanese", &[Han, Hiragana, Katakana]) },
    of("ka", "Georgian", &[Georgian]),
    of("ko", "Korean", &[Hangul]),
    of("mr", "Marathi", &[Devanagari]),
    latin("nl", "Dutch", "de het een van en is dat op te zijn met voor niet die wordt aan"),
    latin("no", "Norwegian", "og er det en av til på med ikke som den har ble"),
    latin("pl", "Polish", "i w na z się nie jest to że do jak przez od są oraz"),
    latin("pt", "Portuguese", "o os as e do da dos uma que não em com para por é no na foi ao"),
    latin("ro", "Romanian", "și de la în care nu pe cu este o un din a fost mai"),
    of("ru", "Russian", &[Cyrillic]),
    latin("sv", "Swedish", "och är det en av till på med inte som den har ett för"),
    of("ta", "Tamil", &[Tamil]),
    of("te", "Telugu", &[Telugu]),
    of("th", "Thai", &[Thai]),
    latin("tr", "Turkish", "ve bir bu için ile olarak olan da de en gibi daha çok"),
    of("uk", "Ukrainian", &[Cyrillic]),
    of("ur", "Urdu", &[Arabic]),
    latin("vi", "Vietnamese", "và của là có được trong cho một những không các với người này"),
    of("zh", "Simplified Chinese", &[Han]),
];

/// Codes of all languages, sorted.
pub(crate) fn codes() -> impl Iterator<Item = &'static str> {
    LANGUAGES.iter().map(|language| language.code)
}

/// The language of a code.
pub(crate) fn find(code: &str) -> Option<&'static Language> {
    LANGUAGES.iter().find(|language| language.code == code)
}

/// A query may be made of names in another script; a passage mostly is not.
const QUERY_SHARE: f64 = 0.2;
const PASSAGE_SHARE: f64 = 0.5;
/// Of the letters of a Japanese passage, at least so many are Hiragana; of a Chinese one, at most.
const KANA_SHARE: f64 = 0.1;

impl Language {
    /// Whether it is written in the Latin script.
    pub(crate) fn is_latin(&self) -> bool {
        self.scripts == [Latin]
    }

    /// What makes `text` implausible as a text of this language, in a few words; `None` where it may
    /// be one. A passage is held to more than a query, which may consist of names.
    ///
    /// This tells scripts apart, Japanese from Chinese, and languages that share the Latin script by
    /// their function words. It does not tell Russian from Ukrainian.
    pub(crate) fn implausible(&self, text: &str, is_passage: bool) -> Option<String> {
        let scripts: Vec<Script> = text.chars().filter(|c| c.is_alphabetic()).map(|c| c.script()).collect();
        if scripts.is_empty() {
            return Some(format!("has no letters of {}", self.name));
        }
        let share =
            |of: &[Script]| scripts.iter().filter(|s| of.contains(s)).count() as f64 / scripts.len() as f64;
        if share(self.scripts) < if is_passage { PASSAGE_SHARE } else { QUERY_SHARE } {
            let percent = (share(self.scripts) * 100.0).round();
            return Some(format!("is not in {}: {percent} % of its letters are", self.name));
        }
        if !is_passage {
            return None;
        }
        let other = || Some(format!("is not in {}", self.name));
        if let Some(needed) = self.needs
            && share(&[needed]) < KANA_SHARE
        {
            return other();
        }
        if self.scripts == [Han] && share(&[Hiragana, Katakana]) > KANA_SHARE {
            return other();
        }
        self.mistaken_for(text).map(|found| format!("is in {}, not in {}", found.name, self.name))
    }

    /// The language whose function words the text has, instead of this one's.
    fn mistaken_for(&self, text: &str) -> Option<&'static Language> {
        /// Fewer function words than this say nothing.
        const EVIDENCE: usize = 4;
        if self.words.is_empty() {
            return None;
        }
        let text = text.to_lowercase();
        let words: Vec<&str> = text.split(|c: char| !c.is_alphabetic()).filter(|w| !w.is_empty()).collect();
        let hits = |language: &Language| {
            words.iter().filter(|w| language.words.split(' ').any(|known| known == **w)).count()
        };
        let own = hits(self);
        let others = LANGUAGES.iter().filter(|l| !l.words.is_empty() && l.code != self.code);
        let (most, found) = others.map(|l| (hits(l), l)).max_by_key(|(hits, _)| *hits)?;
        (most >= EVIDENCE && most > 2 * own).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plausible(code: &str, text: &str) -> bool {
        find(code).expect("known").implausible(text, true).is_none()
    }

    /// One passage in eight languages (our own words): each is taken for its own language only.
    const SALT: [(&str, &str); 8] = [
        (
            "en",
            "The extra string, called a salt, is different for every account, so that two people with the same word end up with different digests. It is not secret.",
        ),
        (
            "ko",
            "솔트(salt)라고 하는 이 문자열은 계정마다 달라서, 두 사람이 똑같은 단어를 골랐더라도 저장되는 결과는 서로 다르다.",
        ),
        (
            "es",
            "La cadena añadida, llamada sal, es distinta en cada cuenta, de modo que dos personas con la misma palabra acaban con resúmenes diferentes. No es secreta, y el atacante se ve obligado a tratar las entradas por separado.",
        ),
        (
            "zh",
            "这段附加的字符串叫作“盐”，每个账户各不相同，因此即使两个人选了同一个词，存下来的摘要也不一样。",
        ),
        (
            "ar",
            "تُسمّى السلسلة المضافة «الملح»، وهي تختلف من حساب إلى آخر، فإذا اختار شخصان الكلمة نفسها اختلفت الخلاصتان.",
        ),
        (
            "de",
            "Die zusätzliche Zeichenkette, das sogenannte Salt, ist für jedes Konto anders, sodass bei zwei Personen mit demselben Wort verschiedene Werte gespeichert werden. Das Salt ist nicht geheim.",
        ),
        (
            "ja",
            "「ソルト」と呼ばれるこの文字列はアカウントごとに異なるため、二人が同じ単語を選んでいても、保存される結果は別々のものになる。",
        ),
        (
            "vi",
            "Chuỗi thêm vào này, gọi là muối, khác nhau ở mỗi tài khoản, nên dù hai người chọn cùng một từ thì kết quả được lưu vẫn khác nhau và không trùng với các kết quả trong bảng của người khác.",
        ),
    ];

    #[test]
    fn a_passage_is_taken_for_its_own_language_only() {
        for (of, text) in SALT {
            for (code, _) in SALT {
                assert_eq!(plausible(code, text), of == code, "{of} as {code}");
            }
        }
    }

    #[test]
    fn a_query_of_names_is_in_any_language_of_its_script() {
        let korean = find("ko").expect("known");
        assert_eq!(korean.implausible("UTF-8과 ASCII 호환성", false), None);
        let said = korean.implausible("UTF-8 and ASCII", false).expect("no Hangul");
        assert_eq!(said, "is not in Korean: 0 % of its letters are");
        assert_eq!(find("de").expect("known").implausible("Kant Hume Leibniz", false), None);
        assert_eq!(korean.implausible("1492?", false).as_deref(), Some("has no letters of Korean"));
    }

    #[test]
    fn codes_are_sorted_and_once() {
        let codes: Vec<_> = codes().collect();
        assert!(codes.is_sorted() && codes.windows(2).all(|w| w[0] != w[1]), "{codes:?}");
    }
}
