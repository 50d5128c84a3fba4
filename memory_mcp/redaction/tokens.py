"""This module lists secrets that are recognised by themselves: PEM keys, and tokens with a vendor's prefix."""

from memory_mcp.redaction.shapes import Shape, inside, shape, short

# Lines of a key, quoted and numbered as they may be: long rows of base64 or headers, and a short row at the end.
_BETWEEN = r"(?:[\s\"'`+,>|:\d\u2192-]|\\{1,7}[nrt\"'])"
_LINE = r"(?:[A-Za-z0-9+/=]{16,}+|[A-Z][A-Za-z-]{2,30}: [^\n\\\"]{0,100}+)"
_LINES = rf"(?:{_BETWEEN}{{0,60}}{_LINE})++(?:(?:\s|\\{{1,7}}[nr]){{1,6}}=?[A-Za-z0-9+/]{{1,15}}={{0,2}}(?![\w ]))?"
_PRIVATE_BLOCK = (  # up to its end, or as far as it looks like a key, since it may have been cut
    rf"[A-Z0-9 ]{{0,30}}PRIVATE KEY(?: BLOCK)?-----(?={_BETWEEN}{{0,60}}{_LINE})"
    rf"(?:(?:(?!-----)[\s\S]){{0,30000}}?-----END [A-Z0-9 ]{{1,40}}-----|{_LINES})"
)
_BASE64_OF_BLOCK = r"LS0tLS1CRUdJTiB(?!DRVJU|QVUJM|DR|QR1AgUFVC)[A-Za-z0-9+/]{60,}+=*"

# Sources of the shapes: the vendors' documentation of their prefixes, and the rules of gitleaks and detect-secrets.
TOKENS: tuple[Shape, ...] = (
    short("private-key", "-----BEGIN", rf" {_PRIVATE_BLOCK}"),
    inside("private-key", "LS0tLS1CRUdJTiB", _BASE64_OF_BLOCK.removeprefix("LS0tLS1CRUdJTiB")),
    short("putty-key", "PuTTY-User-Key-File-", (
        rf"\d:(?:(?:(?!PuTTY-User)[\s\S]){{0,30000}}?Private-MAC: [0-9a-f]{{1,200}}|[^\n\\]{{0,100}}{_LINES})"
    )),
    shape("age-key", "AGE-SECRET-KEY-1", r"[0-9A-Z]{50,}"),
    shape("anthropic-key", "sk-ant-", r"[\w-]{20,}"),
    shape("openrouter-key", "sk-or-v1-", r"[0-9a-f]{40,}"),
    shape("openai-key", "sk-", (
        r"(?!ant-|or-v1-)(?:proj-|svcacct-|admin-)?(?=[A-Za-z_-]{0,200}+\d)(?=[\w-]{0,40}?[A-Za-z0-9]{12})[\w-]{20,}"
    )),
    shape("groq-key", "gsk_", r"[A-Za-z0-9]{40,}"),
    shape("xai-key", "xai-", r"[A-Za-z0-9]{40,}"),
    shape("perplexity-key", "pplx-", r"[A-Za-z0-9]{40,}"),
    shape("replicate-token", "r8_", r"[A-Za-z0-9]{36,}"),
    shape("huggingface-token", "hf_", r"[A-Za-z0-9]{30,}"),
    shape("langsmith-key", "lsv2_", r"(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    shape("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", r"[A-Za-z0-9]{36,}"),
    shape("github-fine-grained-token", "github_pat_", r"\w{22,}"),
    shape("gitlab-token", "glpat- gldt- glrt- glcbt- glptt- glft- glsoat- glagent- gloas-", r"[\w-]{20,}"),
    shape("bitbucket-token", "ATBB", r"[A-Za-z0-9]{32}"),
    shape("atlassian-token", "ATATT3 ATCTT3", r"[\w=-]{60,}"),
    shape("slack-token", "xoxa xoxb xoxe xoxo xoxp xoxr xoxs", r"[.-][\w.-]{15,}"),
    shape("slack-app-token", "xapp-", r"\d-[\w-]{20,}"),
    short("slack-webhook", "https://hooks.slack.com/", r"(?:services|workflows|triggers)/[\w/]+"),
    short("discord-webhook", "/api/webhooks/", r"\d{1,30}/[\w-]+", r"https://(?:\w{1,20}\.)?discord(?:app)?\.com", 50),
    inside("discord-token", ".", (  # its time stamp is six letters and digits, and its signature holds a digit
        r"(?=[\w-]{6}\.(?=[\w-]{0,37}\d)[\w-]{27,38}(?![\w-]))(?<=[\w-]{24}\.)[\w-]{6}\.[\w-]{27,38}"
    ), r"(?<![\w-])[MNO][A-Za-z\d_-]{23,25}", 27),
    short("teams-webhook", ".webhook.office.com/webhookb2/", r"[\w@/-]+", r"https://[\w-]{1,60}", 70),
    inside("telegram-token", ":AA", r"[\w-]{33}(?![\w-])", r"(?<![\w-])\d{8,10}", 12),
    shape("aws-key", "AKIA ASIA ABIA ACCA", r"[0-9A-Z]{16}\b"),
    shape("google-key", "AIza", r"[\w-]{35}"),
    shape("google-oauth-token", "ya29.", r"[\w-]{20,}"),
    shape("google-oauth-secret", "GOCSPX-", r"[\w-]{20,}"),
    short("azure-storage-key", "AccountKey=", r"([A-Za-z0-9+/]{60,}={0,2})"),
    short("azure-signature", "sig=", r"(?<=[?&;]sig=)([A-Za-z0-9%+/=_-]{30,})"),
    short("azure-client-secret", "8Q~", r"[\w~.-]{31,}", r"(?<![A-Za-z0-9])\w{3}", 4),
    shape("cloudflare-key", "v1.0-", r"[0-9a-f]{24}-[0-9a-f]{100,}"),
    shape("digitalocean-token", "dop_v1_ doo_v1_ dor_v1_ dot_v1_", r"[0-9a-f]{64}"),
    shape("heroku-key", "HRKU-", r"[\w-]{30,}"),
    short("fly-token", "fm2_", r"[A-Za-z0-9+/=_,]{40,}"),
    shape("fly-token", "fo1_", r"[\w-]{40,}"),
    shape("netlify-token", "nfp_", r"[A-Za-z0-9]{36,}"),
    shape("vercel-token", "vck_ vcp_ vci_", r"[A-Za-z0-9]{24,}"),
    shape("supabase-key", "sbp_", r"[0-9a-f]{40}"),
    shape("supabase-key", "sb_secret_", r"[\w-]{20,}"),
    shape("planetscale-token", "pscale_", r"(?:tkn|pw|oauth)_[\w.-]{32,}"),
    shape("databricks-token", "dapi", r"[0-9a-f]{32}(?:-\d)?\b"),
    shape("vault-token", "hvs. hvb. hvr.", r"[\w-]{24,}"),
    inside("terraform-token", ".atlasv1.", r"[\w=-]{60,}", r"(?<![A-Za-z0-9])[A-Za-z0-9]{14}", 15),
    shape("pulumi-token", "pul-", r"[0-9a-f]{40}\b"),
    shape("doppler-token", "dp.", r"(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{30,}"),
    shape("onepassword-token", "ops_ey", r"[\w=-]{100,}"),
    shape("tailscale-key", "tskey-", r"[a-z]{1,20}-[\w-]{20,}"),
    shape("npm-token", "npm_", r"[A-Za-z0-9]{36}"),
    shape("pypi-token", "pypi-", r"(?=[A-Za-z_-]{0,80}+\d)[\w-]{40,}"),
    shape("rubygems-key", "rubygems_", r"[0-9a-f]{48}"),
    shape("crates-token", "cio", r"(?=[A-Za-z]{0,31}\d)[A-Za-z0-9]{32}\b"),
    shape("nuget-key", "oy2", r"[a-z0-9]{43}\b"),
    shape("dockerhub-token", "dckr_pat_ dckr_oat_", r"[\w-]{20,}"),
    shape("stripe-key", "sk_live_ sk_test_ rk_live_ rk_test_", r"[A-Za-z0-9]{16,}"),
    short("stripe-webhook-secret", "whsec_", r"[A-Za-z0-9+/=]{24,}"),
    shape("square-token", "sq0atp- sq0csp- sq0idp-", r"[\w-]{22,}"),
    shape("shopify-token", "shpat_ shpss_ shpca_ shppa_", r"[0-9a-fA-F]{32}"),
    shape("paypal-token", "access_token$", r"(?:production|sandbox)\$\w{13,40}\$[0-9a-f]{32}"),
    shape("twilio-key", "SK", r"[0-9a-f]{32}\b"),
    shape("sendgrid-key", "SG.", r"[\w-]{17,64}\.[\w-]{16,}"),
    shape("mailgun-key", "key-", r"[0-9a-f]{32}\b"),
    inside("mailchimp-key", "-us", r"\d{1,2}\b", r"(?<![0-9A-Za-z])[0-9a-f]{32}", 33),
    shape("linear-key", "lin_api_ lin_oauth_", r"[A-Za-z0-9]{32,}"),
    shape("notion-token", "ntn_", r"[A-Za-z0-9]{40,}"),
    shape("airtable-token", "pat", r"[A-Za-z0-9]{14}\.[0-9a-f]{64}\b"),
    shape("figma-token", "figd_", r"[\w-]{30,}"),
    shape("postman-key", "PMAK-", r"[0-9a-f]{24}-[0-9a-f]{34}"),
    shape("newrelic-key", "NRAK- NRAA- NRJS- NRII-", r"[\w-]{20,}"),
    shape("grafana-token", "glsa_", r"[A-Za-z0-9]{32}_[0-9a-fA-F]{8}"),
    short("grafana-token", "glc_", r"[A-Za-z0-9+/=]{32,}"),
    short("sentry-token", "sntrys_ sntryu_", r"[\w+/=-]{40,}"),
    shape("dropbox-token", "sl.", r"(?:u\.)?[\w-]{100,}"),
    shape("contentful-token", "CFPAT-", r"[\w-]{40,}"),
    shape("jwt", "eyJ", (
        r"[\w-]{17,1000}+\.(?:eyJ[\w-]{8,8000}+|[\w-]{0,1000}+\.[\w-]{4,64}+\.[\w-]{1,8000}+)\.[\w-]+"
    )),
)  # fmt: skip
