using System.Buffers;
using System.Net;
using System.Text;

namespace Hanbae.Server.Subresources.Kubelet;

/// <summary>Makes the links of what stands behind the proxy lead through it: of redirects, and of attributes in HTML, as upstream's rewriting transport does.</summary>
/// <param name="before">What stands before the backend's own path in the request, up to and with <c>/proxy</c>.</param>
/// <param name="backend">The backend's authority.</param>
/// <param name="asked">The authority that the client asked.</param>
sealed class ProxyLinks(string before, string backend, string asked)
{
    /// <summary>The attributes that are links, by element; null for what is none of these.</summary>
    static string[]? LinksOf(ReadOnlySpan<char> element) => element switch
    {
        "a" or "area" or "link" => ["href"],
        "applet" => ["codebase"],
        "audio" or "script" or "source" or "embed" => ["src"],
        "base" => ["href"],
        "blockquote" or "del" or "ins" or "q" => ["cite"],
        "body" => ["background"],
        "button" => ["formaction"],
        "command" => ["icon"],
        "form" => ["action"],
        "frame" or "iframe" => ["longdesc", "src"],
        "head" => ["profile"],
        "html" => ["manifest"],
        "img" => ["longdesc", "src", "usemap"],
        "input" => ["src", "usemap", "formaction"],
        "object" => ["classid", "codebase", "data", "usemap"],
        "video" => ["src", "poster"],
        _ => null,
    };

    /// <summary>The link as the client has to follow it: those to other hosts, and those that are relative, are right already.</summary>
    public string Rewrite(string link)
    {
        string rest = link;
        bool hosted = false;
        int scheme = link.IndexOf("://", StringComparison.Ordinal);
        if (scheme > 0 && link.AsSpan(0, scheme).IndexOfAny('/', '?', '#') < 0 || link.StartsWith("//", StringComparison.Ordinal))
        {
            int host = link.IndexOf("//", StringComparison.Ordinal) + 2, end = link.AsSpan(host).IndexOfAny('/', '?', '#');
            string authority = end < 0 ? link[host..] : link[host..(host + end)];
            if (authority != backend && authority != asked) return link;
            (rest, hosted) = (end < 0 ? "" : link[(host + end)..], true);
        }
        int tail = rest.AsSpan().IndexOfAny('?', '#');
        string path = tail < 0 ? rest : rest[..tail], more = tail < 0 ? "" : rest[tail..];
        if (!path.StartsWith('/') && !(hosted && path.Length == 0)) return link;
        return path.StartsWith(before, StringComparison.Ordinal) ? path + more : before + Clean(path) + more;
    }

    /// <summary>Without empty parts and dots; a slash at the end stays.</summary>
    static string Clean(string path)
    {
        var parts = new List<string>();
        foreach (string part in path.Split('/'))
            if (part == "..") { if (parts.Count > 0) parts.RemoveAt(parts.Count - 1); }
            else if (part is not ("" or ".")) parts.Add(part);
        string clean = parts.Count == 0 ? "" : "/" + string.Join('/', parts);
        return path.EndsWith('/') ? clean + "/" : clean;
    }

    /// <summary>A page with its links rewritten; all else stays as it is, byte by byte.</summary>
    public byte[] Page(ReadOnlySpan<byte> html)
    {
        // A character for each byte: names in HTML are ASCII, whatever the page's encoding.
        string text = Encoding.Latin1.GetString(html);
        var to = new StringBuilder(text.Length + 256);
        int at = 0;
        while (at < text.Length)
        {
            int tag = text.IndexOf('<', at);
            if (tag < 0) break;
            to.Append(text, at, tag - at);
            at = tag;
            if (text.AsSpan(at).StartsWith("<!--")) at = CopyThrough(text, at, "-->", to);
            else if (at + 1 < text.Length && char.IsAsciiLetter(text[at + 1])) at = Tag(text, at, to);
            else to.Append(text[at++]);
        }
        to.Append(text, at, text.Length - at);
        return Encoding.Latin1.GetBytes(to.ToString());
    }

    static int CopyThrough(string text, int from, string end, StringBuilder to)
    {
        int found = text.IndexOf(end, from, StringComparison.OrdinalIgnoreCase);
        int stop = found < 0 ? text.Length : found + end.Length;
        to.Append(text, from, stop - from);
        return stop;
    }

    static readonly SearchValues<char> s_nameEnds = SearchValues.Create(" \t\r\n\f/>="), s_valueEnds = SearchValues.Create(" \t\r\n\f>");

    /// <summary>One start tag, and what follows it when that is no markup.</summary>
    int Tag(string text, int from, StringBuilder to)
    {
        int at = End(text, from + 1, s_nameEnds);
        string element = text[(from + 1)..at].ToLowerInvariant();
        string[]? links = LinksOf(element);
        to.Append(text, from, at - from);
        while (at < text.Length && text[at] != '>')
        {
            int begin = at;
            while (at < text.Length && (char.IsWhiteSpace(text[at]) || text[at] == '/')) at++;
            int name = at;
            at = End(text, at == name && at < text.Length && text[at] == '=' ? at + 1 : at, s_nameEnds);
            string attribute = text[name..at];
            int equals = at;
            while (equals < text.Length && char.IsWhiteSpace(text[equals])) equals++;
            if (attribute.Length == 0 || equals >= text.Length || text[equals] != '=')
            {
                to.Append(text, begin, at - begin);
                continue;
            }
            at = equals + 1;
            while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
            char quote = at < text.Length && text[at] is '"' or '\'' ? text[at++] : '\0';
            int value = at;
            at = quote == '\0' ? End(text, at, s_valueEnds) : text.IndexOf(quote, at) is >= 0 and var closing ? closing : text.Length;
            string link = text[value..at];
            to.Append(text, begin, value - begin).Append(links is not null && links.Contains(attribute, StringComparer.OrdinalIgnoreCase) ? Rewritten(link, quote) : link);
            if (quote != '\0' && at < text.Length) to.Append(text[at++]);
        }
        return element is "script" or "style" or "textarea" or "title" or "xmp" or "noembed" or "noframes" ? CopyThrough(text, at, "</" + element, to) : at;
    }

    string Rewritten(string link, char quote)
    {
        string plain = WebUtility.HtmlDecode(link), made = Rewrite(plain);
        if (made == plain) return link;
        string written = made.Replace("&", "&amp;", StringComparison.Ordinal);
        return quote == '\'' ? written.Replace("'", "&#39;", StringComparison.Ordinal) : written.Replace("\"", "&#34;", StringComparison.Ordinal);
    }

    static int End(string text, int from, SearchValues<char> ends) => text.AsSpan(from).IndexOfAny(ends) is >= 0 and var found ? from + found : text.Length;
}
