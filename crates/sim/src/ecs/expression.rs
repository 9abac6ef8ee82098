//! The cluster query language, as far as placement constraints and the ListContainerInstances filter need it.
//! Neighbours: `revision_validate` and `service_validate` parse, `capacity` and `instance_read` evaluate.
//! Source: "Cluster query language" in the ECS developer guide.

/// A parsed expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    Compare { subject: String, operator: Operator, arguments: Vec<String> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equals,
    Differs,
    Greater,
    AtLeast,
    Less,
    AtMost,
    Exists,
    Missing,
    In,
    NotIn,
    Matches,
    Unlike,
}

/// What an expression is held against.
pub(crate) trait Facts {
    /// The values of a subject: none when the subject does not exist, several for `task:group`.
    fn values(&self, subject: &str) -> Vec<String>;
}

/// Parses an expression; the error says what was not understood.
pub(crate) fn parse(text: &str) -> Result<Expression, String> {
    let mut reader = Reader { tokens: tokens(text)?, at: 0 };
    let expression = reader.any()?;
    match reader.peek() {
        None => Ok(expression),
        Some(rest) => Err(format!("Unexpected '{rest}' in the expression.")),
    }
}

fn tokens(text: &str) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut letters = text.chars().peekable();
    let end = |word: &mut String, out: &mut Vec<String>| {
        if !word.is_empty() {
            out.push(std::mem::take(word));
        }
    };
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(q), l) if l == q => {
                quote = None;
                out.push(std::mem::take(&mut word));
            }
            (None, '"' | '\'') => quote = Some(letter),
            (None, l) if l.is_whitespace() => end(&mut word, &mut out),
            (None, '(' | ')' | '[' | ']' | ',') => {
                end(&mut word, &mut out);
                out.push(letter.to_string());
            }
            (None, '=' | '!' | '>' | '<') if word.is_empty() || word.starts_with(|c: char| c.is_alphanumeric()) => {
                end(&mut word, &mut out);
                word.push(letter);
                if letters.peek().is_some_and(|n| matches!(n, '=' | '~')) {
                    word.extend(letters.next());
                    end(&mut word, &mut out);
                } else if letter != '!' {
                    end(&mut word, &mut out);
                }
            }
            (_, l) => word.push(l),
        }
    }
    if quote.is_some() {
        return Err("A quote is not closed.".to_owned());
    }
    end(&mut word, &mut out);
    Ok(out)
}

struct Reader {
    tokens: Vec<String>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).map(String::as_str)
    }

    fn take(&mut self) -> Result<String, String> {
        let token = self.tokens.get(self.at).cloned().ok_or("The expression ends too early.")?;
        self.at += 1;
        Ok(token)
    }

    fn eat(&mut self, words: &[&str]) -> bool {
        let found = self.peek().is_some_and(|t| words.contains(&t));
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<Expression, String> {
        let mut left = self.all()?;
        while self.eat(&["or", "OR", "||"]) {
            left = Expression::Or(Box::new(left), Box::new(self.all()?));
        }
        Ok(left)
    }

    fn all(&mut self) -> Result<Expression, String> {
        let mut left = self.one()?;
        while self.eat(&["and", "AND", "&&"]) {
            left = Expression::And(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Expression, String> {
        if self.eat(&["not", "NOT", "!"]) {
            return Ok(Expression::Not(Box::new(self.one()?)));
        }
        if self.eat(&["("]) {
            let inner = self.any()?;
            return if self.eat(&[")"]) { Ok(inner) } else { Err("A parenthesis is not closed.".to_owned()) };
        }
        self.compare()
    }

    fn compare(&mut self) -> Result<Expression, String> {
        let subject = self.take()?;
        let known =
            ["agentConnected", "agentVersion", "ec2InstanceId", "registeredAt", "runningTasksCount", "task:group"];
        if !known.contains(&subject.as_str()) && !subject.starts_with("attribute:") {
            return Err(format!("'{subject}' is not a subject of an expression."));
        }
        let word = self.take()?;
        let operator = match word.as_str() {
            "==" | "equals" => Operator::Equals,
            "!=" | "not_equals" => Operator::Differs,
            ">" | "greater_than" => Operator::Greater,
            ">=" | "greater_than_equal" => Operator::AtLeast,
            "<" | "less_than" => Operator::Less,
            "<=" | "less_than_equal" => Operator::AtMost,
            "exists" => Operator::Exists,
            "!exists" | "not_exists" => Operator::Missing,
            "in" => Operator::In,
            "!in" | "not_in" => Operator::NotIn,
            "=~" | "matches" => Operator::Matches,
            "!~" | "not_matches" => Operator::Unlike,
            other => return Err(format!("'{other}' is not an operator.")),
        };
        let arguments = match operator {
            Operator::Exists | Operator::Missing => Vec::new(),
            Operator::In | Operator::NotIn => self.list()?,
            _ => vec![self.take()?],
        };
        let pattern = matches!(operator, Operator::Matches | Operator::Unlike);
        if pattern && arguments.iter().any(|a| regex_lite::Regex::new(a).is_err()) {
            return Err("The regular expression is not valid.".to_owned());
        }
        Ok(Expression::Compare { subject, operator, arguments })
    }

    fn list(&mut self) -> Result<Vec<String>, String> {
        if !self.eat(&["["]) {
            return Err("A list begins with '['.".to_owned());
        }
        let mut out = Vec::new();
        while !self.eat(&["]"]) {
            out.push(self.take()?);
            self.eat(&[","]);
        }
        Ok(out)
    }
}

impl Expression {
    /// The subjects that occur.
    pub(crate) fn subjects(&self) -> Vec<&str> {
        match self {
            Self::And(a, b) | Self::Or(a, b) => a.subjects().into_iter().chain(b.subjects()).collect(),
            Self::Not(inner) => inner.subjects(),
            Self::Compare { subject, .. } => vec![subject],
        }
    }

    pub(crate) fn holds(&self, facts: &impl Facts) -> bool {
        match self {
            Self::And(a, b) => a.holds(facts) && b.holds(facts),
            Self::Or(a, b) => a.holds(facts) || b.holds(facts),
            Self::Not(inner) => !inner.holds(facts),
            Self::Compare { subject, operator, arguments } => {
                let values = facts.values(subject);
                let first = arguments.first().map_or("", String::as_str);
                let some = |test: &dyn Fn(&str) -> bool| values.iter().any(|v| test(v));
                let like = |v: &str| regex_lite::Regex::new(&format!("^(?:{first})$")).is_ok_and(|r| r.is_match(v));
                match operator {
                    Operator::Equals => some(&|v| v == first),
                    Operator::Differs => !some(&|v| v == first),
                    Operator::Greater => some(&|v| order(v, first).is_gt()),
                    Operator::AtLeast => some(&|v| order(v, first).is_ge()),
                    Operator::Less => some(&|v| order(v, first).is_lt()),
                    Operator::AtMost => some(&|v| order(v, first).is_le()),
                    Operator::Exists => !values.is_empty(),
                    Operator::Missing => values.is_empty(),
                    Operator::In => some(&|v| arguments.iter().any(|a| a == v)),
                    Operator::NotIn => !some(&|v| arguments.iter().any(|a| a == v)),
                    Operator::Matches => some(&like),
                    Operator::Unlike => !some(&like),
                }
            }
        }
    }
}

fn order(a: &str, b: &str) -> std::cmp::Ordering {
    match (a.parse::<i64>(), b.parse::<i64>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => a.cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Inf2;

    impl Facts for Inf2 {
        fn values(&self, subject: &str) -> Vec<String> {
            let value = match subject {
                "attribute:ecs.instance-type" => "inf2.xlarge",
                "runningTasksCount" => "2",
                _ => return Vec::new(),
            };
            vec![value.to_owned()]
        }
    }

    fn holds(text: &str) -> bool {
        parse(text).unwrap().holds(&Inf2)
    }

    #[test]
    fn the_documented_forms_are_understood() {
        assert!(holds("attribute:ecs.instance-type == inf2.xlarge"));
        assert!(holds("attribute:ecs.instance-type==inf2.xlarge"));
        assert!(holds("attribute:ecs.instance-type in [inf2.xlarge, inf2.8xlarge]"));
        assert!(holds("attribute:ecs.instance-type =~ inf2.*"));
        assert!(holds("attribute:pool !exists and runningTasksCount < 10"));
        assert!(holds("not(task:group == service:x)"));
        assert!(holds("(attribute:pool exists) or (runningTasksCount >= 2)"));
        assert!(!holds("attribute:ecs.instance-type != inf2.xlarge"));
        assert!(!holds("attribute:ecs.instance-type !in [inf2.xlarge]"));
        assert!(holds("attribute:ecs.instance-type !~ trn1.*"));
    }

    #[test]
    fn what_is_not_an_expression_is_refused() {
        for text in ["", "type == inf2.xlarge", "attribute:a ~ b", "(attribute:a exists", "attribute:a in b"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
