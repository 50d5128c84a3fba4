"""This module finds in a user's prompt what is meant for every session: rules of work and corrections of the agent."""

import re

from msgspec import Struct

from memory_mcp.expressions import expression
from memory_mcp.telling.sentences import without_code

_LONGEST_PROMPT = 6_000  # characters; a longer prompt is a pasted document
_LONGEST = 240  # characters of a sentence; a longer one explains something
_MOST_WORDS = 40
_MOST_SENTENCES = 12  # rules of one prompt; more of them are a pasted document

# How an agent works: what a user forbids or asks for in general, and not in this task alone.
_WORK = (
    r"(?:commit|push|force[- ]push|amend|rebase|squash|merge|stash|reset|checkout|install|uninstall|upgrade|downgrade"
    r"|deploy|publish|release|mock|stub|skip|ignore|disable|suppress|delete|remove|rm|drop|truncate"
    r"|overwrite|edit|touch"
    r"|modify|change|reformat|format|rename|move|create|write|add|put|generate|use|import|run|start|restart|launch|kill"
    r"|open|call|query|fetch|download|upload|hard-?code|inline"
    r"|do (?=an?\b)|guess|assume|make up|invent|apologi[sz]e|explain"
    r"|summari[sz]e|ask|mention|include|leave|keep|refactor|rewrite|log|print|swallow|catch|raise|return|name|prefix)"
)
_LEAD = (
    r"^(?:(?:no|nope|nah|stop|wait|hey|ok(?:ay)?|yes|well|so|but|and|also|again|hmm?|oh|ugh|please"
    r"|pls|btw|fyi|note|hint"
    r"|important|reminder|remember|actually|wrong|sorry)\b(?:[\s,.:;!—–-]+(?:that|again|to)\b)?[\s,.:;!—–-]*)*"
)
_YOU = (
    r"(?:(?:i (?:want|need|'?d like) you to|you (?:should|must|need to|have to|can|are to)|make sure"
    r" (?:that )?(?:you |to )?|be sure to|please|let'?s)\s+)?"
)


def _cue(words: str) -> re.Pattern[str]:
    return expression(f"{_LEAD}{words}", re.IGNORECASE)


# Each says by its form that it holds beyond the task at hand.
_STANDING: tuple[re.Pattern[str], ...] = (
    _cue(
        rf"{_YOU}(?:always|never(?: ever)?)\s+(?!mind\b|seen\b|the\b|a\b|an\b|in\b|be\b|been\b"
        rf"|had\b)[a-z]+\b(?! (?:it|this|that|these|those)\b)"
    ),
    _cue(r"you (?:must|should|may|can|shall) (?:always|never)\b"),
    _cue(
        r"(?:we|i) (?:always|never|only ever) (?!had|have|saw|did|got|get|said|wrote|want(?:ed)? to|ran"
        r"|thought|knew|know|need)[a-z]"
    ),
    _cue(r"(?:please )?(?:do not|don'?t|dont) ever\b"),
    _cue(
        r"(?:from now on|going forward|in (?:the )?future|henceforth|from here on(?: out)?|as a"
        r" (?:general )?rule|in general)[\s,:]"
    ),
    _cue(
        rf"(?:whenever|every time|each time|any time|before (?:every|each|any)|after (?:every|each|any))"
        rf" [^,]{{3,80}},? (?:please |always |you (?:must|should) )?{_WORK}\b"
    ),
    _cue(
        r"(?:here|in this (?:repo(?:sitory)?|project|code ?base|workspace|org)|on this (?:project|team)"
        r"|in our (?:repo|project|code ?base)),? (?:we|you|always|never|use|only)\b"
    ),
    _cue(
        r"(?:we|this (?:repo(?:sitory)?|project|code ?base)|our (?:project|repo|team|code ?base)) (?:only"
        r" )?(?:do(?:es)? ?n[o']?t use|uses?|prefers?|avoids?) (?!to\b|\S+ to\b)\S.{0,60}$"
    ),
    _cue(r"(?:i|we)(?:'d)? (?:strongly |much |generally |usually |would )?prefer(?: that)? (?:you |to |not )?\S+"),
    _cue(r"(?:please )?(?:always )?prefer \S.{0,60}\b(?:over|to|rather than|instead of)\b"),
    _cue(r"(?:please )?(?:stop|quit) (?!the\b|it\b|here\b|this\b|that\b|and\b|now\b|at\b)[a-z]+ing\b"),
    _cue(r"(?:please )?(?:avoid|refrain from) (?!this\b|that\b|it\b)\S+ing\b"),
    _cue(
        r"(?:i (?:already |just )?(?:told|asked|said to) you|how (?:many|often) (?:times|do i)|you keep"
        r"|you(?:'re| are) (?:still|again|always)|i keep telling you|once again)\b.{0,120}\b(?:not|n'?t"
        r"|to|use|never|always|ing)\b"
    ),
    _cue(r"remember (?:to|not to|that (?:we|you) (?:always|never|must|should|use|do))\b"),
    _cue(r"never,? ever\b"),
    _cue(r"you(?:'re| are) (?:not )?(?:supposed |meant )?to [a-z]+ (?!be\b)"),
    _cue(
        r"no (?!problem|thanks|idea|worries|need|way|changes?|doubt|more|one|longer|matter)[\w-]+(?:"
        r" [\w-]+){0,3}(?:,? please|,? ever| in (?:commit messages|commits|the code|code|comments"
        r"|tests))[.!]*$"
    ),
    _cue(r"next time,? (?:please |you |always |do not |don't )?[a-z]"),
    _cue(r"(?:always )?(?:ask|check with|confirm with|tell) me (?:first )?before (?:you )?[a-z]+"),
    _cue(
        r"(?:make sure|be sure|remember)(?: that)? (?:you |to )[a-z].{2,80}\b(?:after|before|for|with|on)"
        r" (?:every|each|any)\b"
    ),
    _cue(r"use \S.{0,40}\b(?:everywhere|throughout|consistently)[.!]*$"),
    _cue(
        r"(?:all |the |our |your )?(?:unit )?(?:tests?|commits?|commit messages|code|comments|docstrings"
        r"|migrations|pull requests|prs|branch(?:es| names)|file ?names|imports|secrets|functions|modules"
        r"|classes) (?:must (?:not|never|always)|mustn't|should (?:never|always)|(?:may|can) never)\b"
    ),
    # the same in German
    _cue(r"(?:bitte |nein,? )*(?:nie(?:mals)?|immer) \w"),
    _cue(r"(?:ab (?:jetzt|sofort)|in zukunft|künftig)\b"),
    _cue(r"(?:bitte |nein,? )*(?:benutze?|verwende?|nimm|nutze?) \S+(?: \S+)? (?:statt|anstatt|und nicht|nicht)\b"),
    _cue(r"(?:only (?:ever )?(?:use|run|commit|push|edit)|use only) \S"),
)  # fmt: skip
# A complaint in the form of a question, which holds what was said before.
_REMINDED = _cue(
    r"(?:why (?:did|do|must)|how (?:often|many times) (?:did|do|must)) i (?:have to |need to |keep )?"
    r"(?:tell|telling|remind|reminding|ask|asking) you (?:not )?to [a-z]"
)
# What users keep for themselves.
_OWN_WORK = _cue(
    r"(?:i|we)(?:'ll| will|'m going to) (?:always |only )?(?:run|start|commit|push|deploy|test|do"
    r"|handle|review|merge)\b.{0,60}\b(?:myself|ourselves)\b"
)
# A command against something general: neither a thing of this task ("the", "that") nor for the moment ("yet").
_GENERAL = _cue(
    rf"(?:please |pls )?(?:you (?:must|should|may|can) ?n[o']t|do not|don'?t|dont|no need to ever|must"
    rf" not) (?:just |go |try to |blindly )?"
    rf"{_WORK}\b(?! (?:(?:it|this|that|these|those|them)\b|the \w+[.!]?$|any (?:changes?|code|files?) "
    r"|the (?:other|rest|same|old|new|above|following|change|plan|code)\b))"
)
# A correction: what was done is refused, and what is wanted instead is said in one short sentence.
_REFUSAL = _cue(rf"(?:please |you (?:must|should) ?n[o']t |do not|don'?t|dont|never|stop)\s*(?:ever |just )?{_WORK}")
_CORRECTION = expression(
    r"^(?:(?:no|nope|nah|wrong|stop|wait|actually|hey)\b[\s,.:;!—–-]+|i (?:said"
    r"|meant)[\s,:]+)+(?:please )?(?:we )?use (\S+)",
    re.IGNORECASE,
)
_INSTEAD = expression(
    rf"{_LEAD}(?:we )?use [\w./@`'\"+-]+(?: [\w./@`'\"+-]+)?,? (?:and )?(?:not|instead of|rather than"
    rf"|never|over|in place of) "
    r"[\w./@`'\"+-]+(?: [\w./@`'\"+-]+)?(?: (?:here|in this (?:repo|project)|for \w+(?: \w+)?))?[.!]*$",
    re.IGNORECASE,
)
_MOMENT = expression(
    r"\b(?:yet|for now|right now|just now|at the moment|for the moment|this time|until|till|still"
    r"|today|tomorrow|tonight"
    r"|for this (?:one|task|step|change|pr|commit|part|deployment)|in this (?:step|task|pr|commit"
    r"|change|file|function|case)"
    r"|at this (?:point|stage)|first|before (?:we|i|you)|anymore|any more|any longer|now that|already"
    r"|in the meantime)\b",
    re.IGNORECASE,
)
_LASTING = expression(
    r"\b(?:always|never|ever|next time|from now on|going forward|in (?:the )?future|every time|each"
    r" time|whenever|as a rule)\b",
    re.IGNORECASE,
)
_QUESTION = expression(r"\?[\"'”’)\s]*$|,\s*(?:no|yeah|right|yes|ok)[.?]*$", re.IGNORECASE)
_HEDGED = expression(
    r"\b(?:maybe|perhaps|i (?:guess|think|wonder|suppose|assume)|presumably|seems?|not sure|could we|should we|can we"
    r"|would it|if (?:possible|you want)|dunno|looks like|might)\b",
    re.IGNORECASE,
)
# What a product does is no rule for the agent: "the sidebar should always be sorted".
_PRODUCT = expression(
    r"\b(?:users?|customers?|visitors?|(?:the|this|that|a|each) (?:app|page|ui|screen|button|form|sidebar|menu|dialog"
    r"|modal|table|list|row|field|header|footer|server|client|api|endpoint|response|request|command|flag|output|error"
    r"|message|function|method|class|query|search|result|session|row|column|test))\b"
    r"(?! (?:must|should) be (?:run|tested|committed))",
    re.IGNORECASE,
)
_OF_WORK = expression(
    rf"{_LEAD}(?:all |the |our |your )?(?:unit )?(?:tests?|commits?|commit messages|code|comments"
    rf"|docstrings|migrations|pull"
    r" requests|prs|branch(?:es| names)|file ?names|imports|secrets|functions|modules|classes)\b",
    re.IGNORECASE,
)
_ADDRESSED = expression(
    rf"{_LEAD}(?:{_YOU})(?:always|never|do not|don'?t|dont|stop|avoid|only|use|prefer)\b", re.IGNORECASE
)
# In a prompt a sentence may begin with a small letter; a bracket holds a sentence of its own.
_END = expression(r"(?<=[.!?;…])\s+|\s+[-–—]{1,2}\s+|\s*(?:\.\.\.|…)\s*|\s*[()]\s*")
_JOINING = expression(
    r"^(?:(?:no|nope|nah|wait|hey|ok(?:ay)?|yes|well|so|but|and|also|again|btw|fyi|actually|wrong"
    r"|please)\b[\s,.:;!—–-]*)+",
    re.IGNORECASE,
)
_ITEM = expression(r"^\s*(?:[-*•+]|\d{1,2}[.)])\s+")
# Behind a comma, what is kept, moved or left out is mostly of this task.
_CLAUSE = expression(
    r",\s+(?:and |but |so )?(?=(?:please )?(?:do not|don'?t|never)\s+(?!keep|leave|include|change|remove|delete|rename"
    r"|move|write|add|put|create|rewrite|refactor|make|explain|summari))",
    re.IGNORECASE,
)
_WORD = expression(r"[\w'’./@+-]+")
_PASTED = expression(r"^\s*(?:[$>#|]|\d+[→│|]|[-+]{3}\s|@@|at \S+\(|[\w./-]+:\d+:|\[\w+\]|<[\w/!-])")


class Correction(Struct, frozen=True):
    """A sentence of a prompt that holds beyond its task; `is_against_deed` where it refuses what was just done."""

    text: str
    is_against_deed: bool = False


def corrections(prompt: str) -> list[Correction]:
    """Return the rules and corrections in what a user said, in their order, as whole sentences."""
    if len(prompt) > _LONGEST_PROMPT:
        return []
    found: dict[str, Correction] = {}
    for sentence in _sentences(prompt):
        kind = _kind(sentence)
        if kind:
            found[sentence] = Correction(sentence, kind == "deed")
    return list(found.values()) if len(found) <= _MOST_SENTENCES else []


def refusals(prompt: str) -> list[str]:
    """Return the sentences that forbid something, also a thing of this task: for prompts after which it was undone."""
    if len(prompt) > _LONGEST_PROMPT:
        return []
    return [sentence for sentence in _sentences(prompt) if _REFUSAL.match(sentence.replace("’", "'"))]


def plain(sentence: str) -> str:
    """Return a sentence without the words that only join it to what came before: "No, use uv" says "Use uv"."""
    said = _JOINING.sub("", sentence, count=1).strip()
    return f"{said[:1].upper()}{said[1:]}" if said else sentence


def _sentences(prompt: str) -> list[str]:
    lines = [line for line in without_code(prompt).splitlines() if not _PASTED.match(line)]
    found = (sentence.strip() for line in lines for sentence in _END.split(_ITEM.sub("", line)))
    return [sentence for sentence in found if sentence and len(sentence) <= _LONGEST]


def _kind(sentence: str) -> str:
    """Return "standing", "deed" or nothing."""
    said = sentence.replace("’", "'")
    if _REMINDED.match(said):
        return "standing"
    if _says_no_more_than_now(said):
        return ""
    if _CORRECTION.match(said) or _INSTEAD.match(said):
        return "deed"
    return "standing" if _is_standing(said) else ""


def _says_no_more_than_now(said: str) -> bool:
    """Whether a sentence is too long for a rule, asks, guesses, or speaks of the moment."""
    if len(_WORD.findall(said)) > _MOST_WORDS or _QUESTION.search(said) or _HEDGED.search(said):
        return True
    return bool(_MOMENT.search(said) and not _LASTING.search(said))


def _is_standing(said: str) -> bool:
    if _OWN_WORK.match(said) or any(_GENERAL.match(clause) for clause in _CLAUSE.split(said)[1:]):
        return True
    of_product = _PRODUCT.search(said) is not None
    if any(cue.match(said) for cue in _STANDING):
        return not of_product or bool(_ADDRESSED.match(said) or _OF_WORK.match(said))
    return not of_product and _GENERAL.match(said) is not None
