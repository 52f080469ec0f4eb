namespace Hanbae.Server.Tests.Crd;

/// <summary>Custom objects through HTTP: what is stored, pruned, defaulted, refused and shown.</summary>
public sealed class CustomObjectTests
{
    const string Simple = """{"type":"object","properties":{"size":{"type":"integer","minimum":1,"default":3},"color":{"type":"string","enum":["red","blue"]},"note":{"type":"string","nullable":true}},"required":["color"]}""";

    [Fact]
    public async Task An_object_is_defaulted_pruned_stored_and_listed()
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(CrdRig.Thing(Simple));
        var made = await rig.Test.PostAsync(CrdRig.Things, CrdRig.Object("a", """{"color":"red","other":1,"note":null}"""));
        Assert.True(made.Code == 201, made.Body);
        Assert.Equal("""{"color":"red","note":null,"size":3}""", made.Text("spec"));
        Assert.Equal("1", made.Text("metadata", "generation"));
        Assert.Contains(made.Headers, h => h.Key == "Warning" && h.Value.Any(v => v.Contains("unknown field \\\"spec.other\\\"")));
        var list = await rig.Test.GetAsync("/apis/example.com/v1/things");
        Assert.Equal("ThingList", list.Text("kind"));
        Assert.Equal("a", list.Text("items", "0", "metadata", "name"));
        Assert.Equal("example.com/v1", list.Text("items", "0", "apiVersion"));
    }

    [Theory]
    [InlineData("""{"color":"red","size":"x"}""", "spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\"")]
    [InlineData("""{"size":2}""", "spec.color: Required value")]
    [InlineData("""{"color":"green"}""", "spec.color: Unsupported value: \"green\": supported values: \"red\", \"blue\"")]
    [InlineData("""{"color":"red","size":0}""", "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1")]
    public async Task What_the_schema_forbids_is_refused_in_upstreams_words(string spec, string message)
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(CrdRig.Thing(Simple));
        var answer = await rig.Test.PostAsync(CrdRig.Things, CrdRig.Object("a", spec));
        Assert.Equal(422, answer.Code);
        Assert.Equal($"Thing.example.com \"a\" is invalid: {message}", answer.Message);
    }
}
