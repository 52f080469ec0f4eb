using Hanbae.Api;
using Hanbae.Api.Schema;
using Hanbae.Machinery.Default;
using Hanbae.Machinery.Validate;

namespace Hanbae.Machinery.Tests.Validate;

/// <summary>Objects out of a few words, and what is said of them.</summary>
static class Samples
{
    public const string Meta = """ "metadata":{"name":"x","namespace":"default"}""", ClusterMeta = """ "metadata":{"name":"x"}""";

    /// <param name="kind">With its version, unless it is of the core: <c>apps/v1 Deployment</c>.</param>
    public static IObject Read(string kind, string body)
    {
        string[] words = kind.Split(' ');
        string version = words.Length > 1 ? words[0] : "v1";
        int slash = version.IndexOf('/');
        var info = ApiData.Kind(new(slash < 0 ? "" : version[..slash], version[(slash + 1)..], words[^1]))!;
        return Defaults.Apply((IObject)info.Decode(System.Text.Encoding.UTF8.GetBytes($$"""{"kind":"{{words[^1]}}","apiVersion":"{{version}}",{{body}}}""")));
    }

    public static string[] Told(IReadOnlyList<FieldError> errors) => [.. errors.Select(e => e.ToString())];

    static string Head(string body) => body.Contains("\"metadata\"", StringComparison.Ordinal) && !body.Contains("\"template\"", StringComparison.Ordinal) ? body : Meta + "," + body;

    public static void Create(string kind, string body, string messages)
    {
        var obj = Read(kind, Head(body));
        Assert.Equal(Split(messages), Told(Rules.Create(obj, true)));
    }

    public static void Change(string kind, string before, string after, string messages, string subresource = "") =>
        Assert.Equal(Split(messages), Told(Rules.Update(Read(kind, Head(after)), Read(kind, Head(before)), subresource)));

    static string[] Split(string messages) => messages.Length == 0 ? [] : messages.Split('|');
}
