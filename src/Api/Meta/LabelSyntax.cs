namespace Hanbae.Api;

/// <summary>What a label's key and value may look like, with upstream's messages when they do not.</summary>
public static class LabelSyntax
{
    const int LongestName = 63, LongestSubdomain = 253;
    const string NameRule = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
        + " (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
    const string ValueRule = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.',"
        + " and must start and end with an alphanumeric character"
        + " (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
    const string SubdomainRule = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.',"
        + " and must start and end with an alphanumeric character"
        + " (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

    /// <summary>What is wrong with a key (<c>app</c>, <c>example.com/app</c>): nothing when empty. Also upstream's "qualified name".</summary>
    public static IReadOnlyList<string> KeyErrors(string key)
    {
        if (IsKey(key)) return [];
        var errors = new List<string>();
        string name = key;
        int slash = key.IndexOf('/');
        if (slash >= 0)
        {
            if (key.IndexOf('/', slash + 1) >= 0)
                return [$"a valid label key {NameRule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"];
            string prefix = key[..slash];
            name = key[(slash + 1)..];
            if (prefix.Length == 0) errors.Add("prefix part must be non-empty");
            else
            {
                if (prefix.Length > LongestSubdomain) errors.Add($"prefix part must be no more than {LongestSubdomain} bytes");
                if (!IsSubdomain(prefix)) errors.Add("prefix part " + SubdomainRule);
            }
        }
        if (name.Length == 0) errors.Add("name part must be non-empty");
        else if (name.Length > LongestName) errors.Add($"name part must be no more than {LongestName} bytes");
        if (!IsName(name)) errors.Add("name part " + NameRule);
        return errors;
    }

    /// <summary>What is wrong with a value: nothing when empty.</summary>
    public static IReadOnlyList<string> ValueErrors(string value)
    {
        bool fits = value.Length <= LongestName, wellFormed = value.Length == 0 || IsName(value);
        return (fits, wellFormed) switch
        {
            (true, true) => [],
            (true, false) => [ValueRule],
            (false, true) => [$"must be no more than {LongestName} bytes"],
            _ => [$"must be no more than {LongestName} bytes", ValueRule],
        };
    }

    static bool IsKey(ReadOnlySpan<char> key)
    {
        int slash = key.IndexOf('/');
        if (slash >= 0 && (slash == 0 || slash > LongestSubdomain || !IsSubdomain(key[..slash]))) return false;
        var name = key[(slash + 1)..];
        return name.Length <= LongestName && IsName(name);
    }

    /// <summary>Alphanumeric at both ends, and <c>-_.</c> between; not empty.</summary>
    static bool IsName(ReadOnlySpan<char> name)
    {
        if (name.IsEmpty || !char.IsAsciiLetterOrDigit(name[0]) || !char.IsAsciiLetterOrDigit(name[^1])) return false;
        foreach (char c in name)
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.')) return false;
        return true;
    }

    static bool IsSubdomain(ReadOnlySpan<char> name)
    {
        foreach (var part in name.Split('.'))
        {
            var label = name[part];
            if (label.IsEmpty || label[0] == '-' || label[^1] == '-') return false;
            foreach (char c in label)
                if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c != '-') return false;
        }
        return true;
    }
}
