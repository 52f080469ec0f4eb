using System.Text;
using System.Text.Json.Nodes;
using Hanbae.Api.Codec;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Schema;
using Hanbae.Kit;

namespace Hanbae.Api.Tests.Codec;

/// <summary>Every sample object decodes and encodes to the same JSON value and the same protobuf bytes.</summary>
public sealed class RoundTripTests
{
    /// <summary>The project's own samples, and upstream's where they are at hand beside the repository.</summary>
    static readonly string[] Folders =
        [.. new[] { Path.Combine(Repository.Root, "tests", "Api.Tests", "Samples"), Path.Combine(Repository.Root, "..", "shared", "facts", "roundtrip") }.Where(Directory.Exists)];

    /// <summary>With <c>HANBAE_UPDATE=1</c> the protobuf of the project's own samples is written anew from their JSON.</summary>
    static readonly bool Update = Environment.GetEnvironmentVariable("HANBAE_UPDATE") == "1";

    public static TheoryData<string> Cases => [.. Folders.SelectMany(folder => Directory.EnumerateFiles(folder, "*.json", SearchOption.AllDirectories)
        .Select(f => Path.GetRelativePath(folder, f)).Where(f => !f.EndsWith("core.v1.WatchEvent.json", StringComparison.Ordinal)).Order())];

    [Theory, MemberData(nameof(Cases))]
    public void A_sample_survives_json_and_protobuf(string file)
    {
        string path = Folders.Select(f => Path.Combine(f, file)).First(File.Exists), binary = Path.ChangeExtension(path, ".pb");
        byte[] json = File.ReadAllBytes(path);
        var document = JsonNode.Parse(json)!;
        var gv = GroupVersion.Parse(document["apiVersion"]!.GetValue<string>())!.Value;
        var kind = ApiData.Kind(gv.Kind(document["kind"]!.GetValue<string>()));
        Assert.NotNull(kind);

        var unknown = new List<int>();
        var fromJson = kind.Decode(json, unknown);
        if (Update && path.StartsWith(Folders[0], StringComparison.Ordinal)) File.WriteAllBytes(binary, Envelope.Wrap(fromJson, gv, kind.Kind));
        byte[] proto = File.ReadAllBytes(binary);
        var fromProto = kind.ReadProto(Envelope.Message(proto, out _));

        Assert.Empty(unknown);
        Same(document, kind, kind.WriteFor(fromJson, gv));
        Same(document, kind, kind.WriteFor(fromProto, gv));
        Assert.Equal(Convert.ToHexString(proto), Convert.ToHexString(Envelope.Wrap(fromJson, gv, kind.Kind)));
        Assert.Equal(Convert.ToHexString(proto), Convert.ToHexString(Envelope.Wrap(fromProto, gv, kind.Kind)));
        Assert.Equal(fromJson, fromProto);
    }

    [Fact]
    public void A_watch_event_survives_though_it_says_no_kind()
    {
        byte[] json = """{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}}"""u8.ToArray();
        var reader = new JsonReader(json);

        var fromJson = WatchEvent.ReadJson(ref reader);
        var message = Envelope.Message(Envelope.Wrap(fromJson, new("", ""), ""), out _);
        var proto = new ProtoReader(message);

        Assert.Equal(Encoding.UTF8.GetString(json), fromJson.ToString());
        Assert.Equal(fromJson, WatchEvent.ReadProto(ref proto));
    }

    static void Same(JsonNode expected, KindInfo kind, byte[] actual)
    {
        var node = JsonNode.Parse(actual);
        Assert.True(JsonNode.DeepEquals(expected, node), $"{kind}:\n{expected.ToJsonString()}\n{Encoding.UTF8.GetString(actual)}");
    }
}
