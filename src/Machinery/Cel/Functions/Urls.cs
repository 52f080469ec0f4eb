using System.Globalization;
using System.Text;
using Hanbae.Api.Json;

namespace Hanbae.Machinery.Cel.Functions;

/// <summary>URLs, absolute or with an absolute path, as Go's net/url reads them.</summary>
static class Urls
{
    public const string Name = "kubernetes.URL";
    public static CelType Type { get; } = CelType.Object(Name, new Dictionary<string, CelType>());

    public sealed class Url : CelExtension
    {
        public string Scheme { get; init; } = "";
        public string Host { get; init; } = "";
        public string RawPath { get; init; } = "";
        public string Query { get; init; } = "";
        /// <summary>Null when the URL names nobody.</summary>
        public string? User { get; init; }
        public string Fragment { get; init; } = "";
        public required string Text { get; init; }
        public override CelType Type => Urls.Type;
        public override bool Same(CelExtension other) => ((Url)other).Text == Text;
    }

    public static void Add(FunctionList f)
    {
        var text = CelType.String;
        f.Global("url", "string_to_url", [text], Type, (x, _) => Read(((CelString)x[0]).Value));
        f.Global("isURL", "is_url_string", [text], CelType.Bool, (x, run) => Parse(((CelString)x[0]).Value, request: true, out _) is not null);
        f.Member("getScheme", "url_get_scheme", [Type], text, (x, _) => ((Url)x[0]).Scheme);
        f.Member("getHost", "url_get_host", [Type], text, (x, _) => ((Url)x[0]).Host);
        f.Member("getHostname", "url_get_hostname", [Type], text, (x, _) => Split(((Url)x[0]).Host).Name);
        f.Member("getPort", "url_get_port", [Type], text, (x, _) => Split(((Url)x[0]).Host).Port);
        f.Member("getEscapedPath", "url_get_escaped_path", [Type], text, (x, _) => EscapedPath(((Url)x[0]).RawPath));
        f.Member("getQuery", "url_get_query", [Type], CelType.Map(text, CelType.List(text)), (x, _) => QueryOf(((Url)x[0]).Query));
    }

    static CelValue Read(string text) =>
        // Whether it may be one is asked with the fragment, what is in it without.
        Parse(text, request: true, out string? error) is null || Parse(text, request: false, out error) is not { } url
            ? new CelError("URL parse error during conversion from string: " + error) : url;

    public static Url? Parse(string text, bool request, out string? error)
    {
        string? reason = null;
        var url = Parts(text, request, ref reason);
        error = url is null ? $"parse {GoQuote.Text(text)}: {reason}" : null;
        return url;
    }

    static Url? Parts(string text, bool request, ref string? error)
    {
        string rest = text;
        string fragment = "";
        if (!request && rest.IndexOf('#') is >= 0 and var hash) (rest, fragment) = (rest[..hash], rest[(hash + 1)..]);
        if (rest.Any(c => c is < ' ' or '\u007f')) { error = "net/url: invalid control character in URL"; return null; }
        if (rest.Length == 0 && request) { error = "empty url"; return null; }
        string scheme = "";
        for (int i = 0; i < rest.Length; i++)
        {
            char c = rest[i];
            if (char.IsAsciiLetter(c)) continue;
            if (i > 0 && (char.IsAsciiDigit(c) || c is '+' or '-' or '.')) continue;
            if (c == ':')
            {
                if (i == 0) { error = "missing protocol scheme"; return null; }
                (scheme, rest) = (rest[..i].ToLowerInvariant(), rest[(i + 1)..]);
            }
            break;
        }
        string query = "";
        if (rest.IndexOf('?') is >= 0 and var mark) (rest, query) = (rest[..mark], rest[(mark + 1)..]);
        if (!rest.StartsWith('/'))
        {
            if (scheme.Length > 0) return new Url { Text = text, Scheme = scheme, Query = query, Fragment = fragment };
            if (request) { error = "invalid URI for request"; return null; }
            int colon = rest.IndexOf(':');
            if (colon >= 0 && rest.IndexOf('/') is var first && (first < 0 || colon < first)) { error = "first path segment in URL cannot contain colon"; return null; }
        }
        string host = "";
        string? user = null;
        if ((scheme.Length > 0 || !request && !rest.StartsWith("///", StringComparison.Ordinal)) && rest.StartsWith("//", StringComparison.Ordinal))
        {
            int slash = rest.IndexOf('/', 2);
            string authority = slash < 0 ? rest[2..] : rest[2..slash];
            rest = slash < 0 ? "" : rest[slash..];
            int at = authority.LastIndexOf('@');
            if (at >= 0 && authority.AsSpan(0, at).IndexOfAnyExcept(s_userinfo) >= 0) { error = "net/url: invalid userinfo"; return null; }
            (user, host) = (at < 0 ? null : authority[..at], authority[(at + 1)..]);
            if (!HostIsValid(host, ref error)) return null;
        }
        return Unescape(rest, plus: false, ref error) is null ? null : new Url { Text = text, Scheme = scheme, Host = host, RawPath = rest, Query = query, User = user, Fragment = fragment };
    }

    static readonly System.Buffers.SearchValues<char> s_userinfo = System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:~!$&'()*+,;=%@");

    static bool HostIsValid(string host, ref string? error)
    {
        string port = "";
        if (host.StartsWith('['))
        {
            int close = host.LastIndexOf(']');
            if (close < 0) { error = "missing ']' in host"; return false; }
            port = host[(close + 1)..];
        }
        else if (host.LastIndexOf(':') is >= 0 and var colon) port = host[host.IndexOf(':')..] is var first && first.LastIndexOf(':') > 0 ? first : host[colon..];
        if (port.Length > 0 && (port[0] != ':' || !port.AsSpan(1).ContainsOnlyDigits())) { error = $"invalid port {GoQuote.Text(port)} after host"; return false; }
        foreach (char c in host)
            if (c < 0x80 && !char.IsAsciiLetterOrDigit(c) && "-_.~!$&'()*+,;=:[]<>\"%".IndexOf(c) < 0) { error = $"invalid character {GoQuote.Text(c.ToString())} in host name"; return false; }
        return true;
    }

    static bool ContainsOnlyDigits(this ReadOnlySpan<char> text) => text.IndexOfAnyExceptInRange('0', '9') < 0;

    static (string Name, string Port) Split(string host)
    {
        int colon = host.LastIndexOf(':');
        bool port = colon >= 0 && host.AsSpan(colon + 1).ContainsOnlyDigits();
        string name = port ? host[..colon] : host;
        return (name.StartsWith('[') && name.EndsWith(']') ? name[1..^1] : name, port ? host[(colon + 1)..] : "");
    }

    static string? Unescape(string text, bool plus, ref string? error)
    {
        if (text.IndexOfAny(['%', '+']) < 0) return text;
        var bytes = new List<byte>(text.Length);
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        for (int i = 0; i < utf8.Length; i++)
        {
            if (utf8[i] == '%')
            {
                if (i + 2 >= utf8.Length || !char.IsAsciiHexDigit((char)utf8[i + 1]) || !char.IsAsciiHexDigit((char)utf8[i + 2]))
                {
                    error = "invalid URL escape " + GoQuote.Text(Encoding.UTF8.GetString(utf8, i, Math.Min(3, utf8.Length - i)));
                    return null;
                }
                bytes.Add(byte.Parse(Encoding.ASCII.GetString(utf8, i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                i += 2;
            }
            else bytes.Add(plus && utf8[i] == '+' ? (byte)' ' : utf8[i]);
        }
        return Encoding.UTF8.GetString([.. bytes]);
    }

    /// <summary>The path as it was written when that is escaped well, escaped anew when not.</summary>
    static string EscapedPath(string raw)
    {
        const string Plain = "-_.~$&+,/:;=@";
        if (raw.All(c => c < 0x80 && (char.IsAsciiLetterOrDigit(c) || (Plain + "!'()*[]%").Contains(c)))) return raw;
        string? error = null;
        var to = new StringBuilder();
        foreach (byte b in Encoding.UTF8.GetBytes(Unescape(raw, plus: false, ref error) ?? raw))
            if (b < 0x80 && (char.IsAsciiLetterOrDigit((char)b) || Plain.Contains((char)b))) to.Append((char)b);
            else to.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
        return to.ToString();
    }

    static CelMap QueryOf(string query)
    {
        var values = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (string pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            if (pair.Contains(';')) continue;
            int equal = pair.IndexOf('=');
            string? error = null, key = Unescape(equal < 0 ? pair : pair[..equal], plus: true, ref error), value = Unescape(equal < 0 ? "" : pair[(equal + 1)..], plus: true, ref error);
            if (key is null || value is null) continue;
            if (!values.TryGetValue(key, out var list)) values[key] = list = [];
            list.Add(value);
        }
        return CelEntries.Of([.. values.Select(v => ((CelValue)new CelString(v.Key), (CelValue)CelList.Of(v.Value)))]);
    }
}
