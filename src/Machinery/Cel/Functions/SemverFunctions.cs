using System.Collections.Immutable;
using System.Globalization;

namespace Hanbae.Machinery.Cel.Functions;

/// <summary>Semantic versions.</summary>
static class SemverFunctions
{
    public const string Name = "kubernetes.Semver";
    public static CelType Type { get; } = CelType.Object(Name, new Dictionary<string, CelType>());

    public sealed class Value(ulong major, ulong minor, ulong patch, ImmutableArray<string> pre) : CelExtension
    {
        public (ulong Major, ulong Minor, ulong Patch) Numbers => (major, minor, patch);
        public override CelType Type => SemverFunctions.Type;
        public override bool Same(CelExtension other) => Compare((Value)other) == 0;

        /// <summary>Build metadata has no say; a pre-release comes before its release.</summary>
        public int Compare(Value other)
        {
            int order = Numbers.CompareTo(other.Numbers);
            if (order != 0) return order;
            if (pre.IsEmpty || other.Pre.IsEmpty) return other.Pre.IsEmpty.CompareTo(pre.IsEmpty) * -1;
            for (int i = 0; i < Math.Min(pre.Length, other.Pre.Length); i++)
            {
                bool a = ulong.TryParse(pre[i], NumberStyles.None, CultureInfo.InvariantCulture, out ulong x), b = ulong.TryParse(other.Pre[i], NumberStyles.None, CultureInfo.InvariantCulture, out ulong y);
                order = a && b ? x.CompareTo(y) : a != b ? a ? -1 : 1 : Math.Sign(string.CompareOrdinal(pre[i], other.Pre[i]));
                if (order != 0) return order;
            }
            return pre.Length.CompareTo(other.Pre.Length);
        }

        ImmutableArray<string> Pre => pre;
    }

    public static void Add(FunctionList f)
    {
        var (text, flag, whole) = (CelType.String, CelType.Bool, CelType.Int);
        f.Global("semver", "string_to_semver", [text], Type, (x, _) => Result(((CelString)x[0]).Value, false));
        f.Global("semver", "string_bool_to_semver", [text, flag], Type, (x, _) => Result(((CelString)x[0]).Value, ((CelBool)x[1]).Value));
        f.Global("isSemver", "is_semver_string", [text], flag, (x, _) => !Result(((CelString)x[0]).Value, false).IsError);
        f.Global("isSemver", "is_semver_string_bool", [text, flag], flag, (x, _) => !Result(((CelString)x[0]).Value, ((CelBool)x[1]).Value).IsError);
        f.Member("isGreaterThan", "semver_is_greater_than", [Type, Type], flag, (x, _) => ((Value)x[0]).Compare((Value)x[1]) > 0);
        f.Member("isLessThan", "semver_is_less_than", [Type, Type], flag, (x, _) => ((Value)x[0]).Compare((Value)x[1]) < 0);
        f.Member("compareTo", "semver_compare_to", [Type, Type], whole, (x, _) => (long)Math.Sign(((Value)x[0]).Compare((Value)x[1])));
        f.Member("major", "semver_major", [Type], whole, (x, _) => (long)((Value)x[0]).Numbers.Major);
        f.Member("minor", "semver_minor", [Type], whole, (x, _) => (long)((Value)x[0]).Numbers.Minor);
        f.Member("patch", "semver_patch", [Type], whole, (x, _) => (long)((Value)x[0]).Numbers.Patch);
    }

    static CelValue Result(string text, bool normalize)
    {
        string? error = null;
        string? plain = normalize ? Normalize(text, out error) : text;
        return plain is not null && Parse(plain, out error) is { } version ? version : new CelError(error!);
    }

    /// <summary>Drops a <c>v</c> and leading zeros, fills up to three numbers.</summary>
    static string? Normalize(string text, out string? error)
    {
        error = null;
        if (text.StartsWith('v')) text = text[1..];
        var parts = text.Split('.', 3).Select(p =>
        {
            if (p.Length <= 1) return p;
            string bare = p.TrimStart('0');
            return bare.Length == 0 || !char.IsAsciiDigit(bare[0]) ? "0" + bare : bare;
        }).ToList();
        if (parts.Count < 3)
        {
            if (parts[^1].AsSpan().IndexOfAny('+', '-') >= 0) { error = "short version cannot contain PreRelease/Build meta data"; return null; }
            while (parts.Count < 3) parts.Add("0");
        }
        return string.Join('.', parts);
    }

    internal static Value? Parse(string text, out string? error)
    {
        error = null;
        if (text.Length == 0) { error = "Version string empty"; return null; }
        string[] parts = text.Split('.', 3);
        if (parts.Length != 3) { error = "No Major.Minor.Patch elements found"; return null; }
        string last = parts[2], pre = "", build = "";
        bool hasBuild = last.Contains('+'), hasPre;
        if (last.IndexOf('+') is >= 0 and var p) (last, build) = (last[..p], last[(p + 1)..]);
        hasPre = last.Contains('-');
        if (last.IndexOf('-') is >= 0 and var dash) (last, pre) = (last[..dash], last[(dash + 1)..]);
        var numbers = new ulong[3];
        foreach (var (i, part) in ((string[])[parts[0], parts[1], last]).Index())
        {
            string name = i switch { 0 => "Major", 1 => "Minor", _ => "Patch" };
            if (part.Length == 0 || !part.All(char.IsAsciiDigit)) { error = $"Invalid character(s) found in {name.ToLowerInvariant()} number {Api.Json.GoQuote.Text(part)}"; return null; }
            if (part.Length > 1 && part[0] == '0') { error = $"{name} number must not contain leading zeroes {Api.Json.GoQuote.Text(part)}"; return null; }
            if (!ulong.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i])) { error = $"strconv.ParseUint: parsing {Api.Json.GoQuote.Text(part)}: value out of range"; return null; }
        }
        ImmutableArray<string> labels = hasPre ? [.. pre.Split('.')] : [];
        foreach (string label in labels)
        {
            if (!Identifier(label)) { error = label.Length == 0 ? "Prerelease is empty" : $"Invalid character(s) found in prerelease {Api.Json.GoQuote.Text(label)}"; return null; }
            if (label.Length > 1 && label[0] == '0' && label.All(char.IsAsciiDigit)) { error = $"Numeric PreRelease version must not contain leading zeroes {Api.Json.GoQuote.Text(label)}"; return null; }
        }
        if (hasBuild && build.Split('.').FirstOrDefault(l => !Identifier(l)) is { } wrong)
        {
            error = wrong.Length == 0 ? "Build meta data is empty" : $"Invalid character(s) found in build meta data {Api.Json.GoQuote.Text(wrong)}";
            return null;
        }
        return new(numbers[0], numbers[1], numbers[2], labels);
    }

    static bool Identifier(string label) => label.Length > 0 && label.All(c => char.IsAsciiLetterOrDigit(c) || c == '-');
}
