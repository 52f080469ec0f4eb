using Hanbae.Api.Json;
using Hanbae.Machinery.Yaml;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Verbs;

/// <summary>YAML bodies and answers, by way of JSON as upstream does.</summary>
static class YamlBody
{
    public static byte[] ToJson(ReadOnlyMemory<byte> yaml)
    {
        try { return JsonPrinter.ToUtf8(YamlReader.Read(yaml.Span)); }
        catch (YamlException e) { throw Statuses.BadRequest("error converting YAML to JSON: " + e.Message); }
    }

    public static byte[] ToYaml(ReadOnlySpan<byte> json) => System.Text.Encoding.UTF8.GetBytes(YamlWriter.Write(JsonValue.Parse(json)));
}
