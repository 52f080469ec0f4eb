using Hanbae.Api.Json;
using Hanbae.Machinery.Yaml;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Verbs;

/// <summary>YAML bodies and answers, by way of JSON as upstream does.</summary>
static class YamlBody
{
    /// <param name="duplicates">Takes what stands in it twice; null where nobody asks.</param>
    public static byte[] ToJson(ReadOnlyMemory<byte> yaml, ICollection<string>? duplicates = null)
    {
        try { return JsonPrinter.ToUtf8(YamlReader.Read(yaml.Span, duplicates)); }
        catch (YamlException e) { throw Statuses.BadRequest("error converting YAML to JSON: " + e.Message); }
    }

    public static byte[] ToYaml(ReadOnlySpan<byte> json) => System.Text.Encoding.UTF8.GetBytes(YamlWriter.Write(JsonValue.Parse(json)));
}
