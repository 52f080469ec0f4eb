using System.Text;
using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Schema;
using Hanbae.Kit;
using Hanbae.Machinery.Default;
using Hanbae.Machinery.Yaml;

namespace Hanbae.Machinery.Tests.Default;

/// <summary>Files of <c>Golden/Default</c>: an object as somebody writes it, and, behind <c>---</c>, as it is kept.</summary>
public sealed class DefaultsTests
{
    static string Folder { get; } = Path.Combine(Repository.Root, "tests", "Machinery.Tests", "Golden", "Default");

    public static TheoryData<string> Cases => [.. Directory.EnumerateFiles(Folder, "*.yaml").Select(f => Path.GetFileNameWithoutExtension(f)).Order()];

    [Theory, MemberData(nameof(Cases))]
    public void Defaults_are_the_golden_ones(string name)
    {
        var documents = YamlReader.ReadAll(File.ReadAllText(Path.Combine(Folder, name + ".yaml")));
        Assert.Equal(2, documents.Length);
        var (before, wanted) = (Decode(documents[0]), Decode(documents[1]));
        var after = Defaults.Apply(before);
        Assert.Equal(Text(wanted), Text(after));
        Assert.Equal(Text(after), Text(Defaults.Apply(after)));
        // What is written most often is not copied for nothing.
        if (after is Hanbae.Api.Core.V1.Pod) Assert.Same(after, Defaults.Apply(after));
    }

    [Theory]
    [InlineData("web", "Always")]
    [InlineData("web:latest", "Always")]
    [InlineData("registry:5000/web", "Always")]
    [InlineData("registry:5000/web:1", "IfNotPresent")]
    [InlineData("web@sha256:0123", "IfNotPresent")]
    [InlineData("web:latest@sha256:0123", "IfNotPresent")]
    public void An_image_that_may_change_is_pulled_each_time(string image, string policy) => Assert.Equal(policy, PodDefaults.PullPolicy(image));

    static IObject Decode(JsonValue document)
    {
        var json = (JsonObject)document;
        var kind = ApiData.Kind(GroupVersion.Parse(((JsonString)json["apiVersion"]!).Value)!.Value.Kind(((JsonString)json["kind"]!).Value))!;
        List<int> unknown = [];
        var obj = (IObject)kind.Decode(document.ToUtf8(), unknown);
        Assert.Empty(unknown);
        return obj;
    }

    static string Text(IObject obj) => Encoding.UTF8.GetString(JsonValue.Parse(obj.Kind().ToJson(obj)).ToUtf8());
}
