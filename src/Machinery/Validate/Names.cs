using Hanbae.Api;

namespace Hanbae.Machinery.Validate;

/// <summary>What names of all sorts may look like: each rule answers with what is wrong, with nothing when all is well.</summary>
public static class Names
{
    const int LongestLabel = 63, LongestSubdomain = 253, LongestPortName = 15;
    const string LabelForm = "[a-z0-9]([-a-z0-9]*[a-z0-9])?", SubdomainForm = LabelForm + "(\\." + LabelForm + ")*";

    static readonly string s_label = Form("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character", LabelForm, "my-name", "123-abc");
    static readonly string s_subdomain = Form(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
        SubdomainForm, "example.com");
    const string UnderscoredForm = "[a-z0-9_]([-_a-z0-9]*[a-z0-9_])?(\\.[a-z0-9_]([-_a-z0-9]*[a-z0-9_])?)*";
    static readonly string s_underscored = Form(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
        UnderscoredForm, "example.com");
    static readonly string s_wildcard = Form(
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, "
            + "'-' or '.' and end with an alphanumeric character",
        "\\*\\." + SubdomainForm, "*.example.com");
    static readonly string s_label1035 = Form(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
        "[a-z]([-a-z0-9]*[a-z0-9])?", "my-name", "abc-123");
    static readonly string s_configKey = Form("a valid config key must consist of alphanumeric characters, '-', '_' or '.'", "[-._a-zA-Z0-9]+", "key.name", "KEY_NAME", "key-name");
    static readonly string s_header = Form("a valid HTTP header must consist of alphanumeric characters or '-'", "[-A-Za-z0-9]+", "X-Header-Name");

    /// <summary>As upstream words a rule that is a regular expression.</summary>
    static string Form(string rule, string regex, params string[] examples) =>
        $"{rule} (e.g. {string.Join(" or ", examples.Select(e => $"'{e}', "))}regex used for validation is '{regex}')";

    static string AtMost(int bytes) => $"must be no more than {bytes} bytes";

    /// <summary>RFC 1123 label: names of namespaces, containers, volumes.</summary>
    public static IReadOnlyList<string> Label(string name) => Check(name.Length <= LongestLabel, LongestLabel, IsLabel(name), s_label);

    /// <summary>RFC 1123 subdomain: names of most objects.</summary>
    public static IReadOnlyList<string> Subdomain(string name) => Check(name.Length <= LongestSubdomain, LongestSubdomain, IsSubdomain(name), s_subdomain);

    /// <summary>As names of DNS are that are no hosts', such as those of services.</summary>
    public static IReadOnlyList<string> SubdomainWithUnderscore(string name) => Check(name.Length <= LongestSubdomain, LongestSubdomain, IsSubdomain(name.Replace('_', 'a')), s_underscored);

    public static IReadOnlyList<string> Wildcard(string name) =>
        Check(name.Length <= LongestSubdomain, LongestSubdomain, name.StartsWith("*.", StringComparison.Ordinal) && IsSubdomain(name.AsSpan(2)), s_wildcard);

    /// <summary>DNS 1035 label: does not begin with a digit.</summary>
    public static IReadOnlyList<string> Label1035(string name) =>
        Check(name.Length <= LongestLabel, LongestLabel, IsLabel(name) && char.IsAsciiLetterLower(name[0]), s_label1035);

    /// <summary>Whatever can be a part of a path: names of roles and their bindings.</summary>
    public static IReadOnlyList<string> PathSegment(string name)
    {
        if (name is "." or "..") return [$"may not be '{name}'"];
        var errors = new List<string>();
        foreach (char c in "/%") if (name.Contains(c)) errors.Add($"may not contain '{c}'");
        return errors;
    }

    public static IReadOnlyList<string> PortName(string name)
    {
        var errors = new List<string>();
        if (name.Length > LongestPortName) errors.Add($"must be no more than {LongestPortName} characters");
        bool charset = true, letter = false;
        foreach (char c in name)
        {
            charset &= char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-';
            letter |= char.IsAsciiLetterLower(c);
        }
        if (!charset || name.Length == 0) errors.Add("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
        if (!letter) errors.Add("must contain at least one letter (a-z)");
        if (name.Contains("--", StringComparison.Ordinal)) errors.Add("must not contain consecutive hyphens");
        if (name.Length > 0 && (name[0] == '-' || name[^1] == '-')) errors.Add("must not begin or end with a hyphen");
        return errors;
    }

    /// <summary>KEP-4369: anything printable but <c>=</c>.</summary>
    public static IReadOnlyList<string> EnvVar(string name)
    {
        if (name.Length == 0) return ["environment variable name must not be empty"];
        foreach (char c in name)
            if (c is < ' ' or > '~' or '=') return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
        return [];
    }

    /// <summary>A key of a ConfigMap or a Secret: also a file's name.</summary>
    public static IReadOnlyList<string> ConfigKey(string key)
    {
        var errors = new List<string>();
        if (key.Length > LongestSubdomain) errors.Add(AtMost(LongestSubdomain));
        bool charset = key.Length > 0;
        foreach (char c in key) charset &= char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.';
        if (!charset) errors.Add(s_configKey);
        if (key is "." or "..") errors.Add($"must not be '{key}'");
        else if (key.StartsWith("..", StringComparison.Ordinal)) errors.Add("must not start with '..'");
        return errors;
    }

    public static IReadOnlyList<string> HttpHeader(string name)
    {
        bool charset = name.Length > 0;
        foreach (char c in name) charset &= char.IsAsciiLetterOrDigit(c) || c == '-';
        return charset ? [] : [s_header];
    }

    /// <summary>The start of names to come: a dash at its end is none at theirs.</summary>
    public static IReadOnlyList<string> Generated(string prefix, Func<string, IReadOnlyList<string>> rule) =>
        rule(prefix.Length > 1 && prefix[^1] == '-' ? string.Concat(prefix.AsSpan(0, prefix.Length - 1), "a") : prefix);

    static IReadOnlyList<string> Check(bool fits, int max, bool wellFormed, string rule) =>
        fits && wellFormed ? [] : fits ? [rule] : wellFormed ? [AtMost(max)] : [AtMost(max), rule];

    static bool IsLabel(ReadOnlySpan<char> name)
    {
        if (name.IsEmpty || name[0] == '-' || name[^1] == '-') return false;
        foreach (char c in name) if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c != '-') return false;
        return true;
    }

    static bool IsSubdomain(ReadOnlySpan<char> name)
    {
        foreach (var part in name.Split('.')) if (!IsLabel(name[part])) return false;
        return true;
    }
}
