using System.Text.RegularExpressions;
using Hanbae.Api;
using Hanbae.Machinery.Validate;

namespace Hanbae.Machinery.Cel.Functions;

/// <summary>A rule that strings are validated by.</summary>
/// <param name="regexSize">How long upstream's pattern for it is: what a validation costs.</param>
sealed class NamedFormat(string name, int regexSize, Func<string, IReadOnlyList<string>> validate) : CelExtension
{
    public const string TypeName = "kubernetes.NamedFormat";
    public static CelType FormatType { get; } = CelType.Object(TypeName, new Dictionary<string, CelType>());

    public string Name => name;
    public int RegexSize => regexSize;
    public IReadOnlyList<string> Validate(string text) => validate(text);
    public override CelType Type => FormatType;
    public override bool Same(CelExtension other) => ((NamedFormat)other).Name == name;
}

/// <summary><c>format.dns1123Label().validate(name)</c>.</summary>
static partial class NamedFormats
{
    static readonly Dictionary<string, NamedFormat> s_all = new(StringComparer.Ordinal)
    {
        ["dns1123Label"] = new("DNS1123Label", 30, Names.Label),
        ["dns1123Subdomain"] = new("DNS1123Subdomain", 60, Names.Subdomain),
        ["dns1035Label"] = new("DNS1035Label", 30, Names.Label1035),
        ["qualifiedName"] = new("QualifiedName", 60, s => [.. LabelSyntax.KeyErrors(s)]),
        ["dns1123LabelPrefix"] = new("DNS1123LabelPrefix", 30, s => Names.Generated(s, Names.Label)),
        ["dns1123SubdomainPrefix"] = new("DNS1123SubdomainPrefix", 60, s => Names.Generated(s, Names.Subdomain)),
        ["dns1035LabelPrefix"] = new("DNS1035LabelPrefix", 30, s => Names.Generated(s, Names.Label1035)),
        ["labelValue"] = new("LabelValue", 40, s => [.. LabelSyntax.ValueErrors(s)]),
        ["uri"] = new("URI", 1133, s => Urls.Parse(s, request: true, out string? error) is null ? [error!] : []),
        ["uuid"] = new("uuid", 99, s => Uuid().IsMatch(s) ? [] : ["does not match the UUID format"]),
        ["byte"] = new("byte", 80, s => Convert.TryFromBase64String(s, new byte[s.Length], out _) && s.Length > 0 ? [] : ["invalid base64"]),
        ["date"] = new("date", 81, s => CelTimestamp.ParseDate(s) is not null ? [] : ["invalid date"]),
        ["datetime"] = new("datetime", 81, s => CelTimestamp.Parse(s) is not null ? [] : ["invalid datetime"]),
    };

    public static void Add(FunctionList f)
    {
        f.Member("validate", "format-validate", [NamedFormat.FormatType, CelType.String], CelType.Optional(CelType.List(CelType.String)),
            (x, _) => ((NamedFormat)x[0]).Validate(((CelString)x[1]).Value) is { Count: > 0 } errors ? CelOptional.Of(CelList.Of(errors)) : CelOptional.None);
        f.Global("format.named", "format-named", [CelType.String], CelType.Optional(NamedFormat.FormatType),
            (x, _) => s_all.TryGetValue(((CelString)x[0]).Value, out var format) ? CelOptional.Of(format) : CelOptional.None);
        foreach (var (name, format) in s_all) f.Global("format." + name, "format." + name, [], NamedFormat.FormatType, (_, _) => format);
    }

    [GeneratedRegex("\\A(?i:[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})\\z")]
    private static partial Regex Uuid();
}
