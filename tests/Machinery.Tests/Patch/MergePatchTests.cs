using Hanbae.Api.Json;
using Hanbae.Machinery.Patch;

namespace Hanbae.Machinery.Tests.Patch;

public sealed class MergePatchTests
{
    /// <summary>The examples of RFC 7386, appendix A.</summary>
    [Theory]
    [InlineData("""{"a":"b"}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"b":"c"}""", """{"a":"b","b":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"a":null}""", "{}")]
    [InlineData("""{"a":"b","b":"c"}""", """{"a":null}""", """{"b":"c"}""")]
    [InlineData("""{"a":["b"]}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"c"}""", """{"a":["b"]}""", """{"a":["b"]}""")]
    [InlineData("""{"a":{"b":"c"}}""", """{"a":{"b":"d","c":null}}""", """{"a":{"b":"d"}}""")]
    [InlineData("""{"a":[{"b":"c"}]}""", """{"a":[1]}""", """{"a":[1]}""")]
    [InlineData("""["a","b"]""", """["c","d"]""", """["c","d"]""")]
    [InlineData("""{"a":"b"}""", """["c"]""", """["c"]""")]
    [InlineData("""{"a":"foo"}""", "null", "null")]
    [InlineData("""{"a":"foo"}""", "\"bar\"", "\"bar\"")]
    [InlineData("""{"e":null}""", """{"a":1}""", """{"e":null,"a":1}""")]
    [InlineData("[1,2]", """{"a":"b","c":null}""", """{"a":"b"}""")]
    [InlineData("{}", """{"a":{"bb":{"ccc":null}}}""", """{"a":{"bb":{}}}""")]
    public void The_rfcs_examples_hold(string original, string patch, string result) =>
        Assert.Equal(result, MergePatch.Apply(JsonValue.Parse(original), JsonValue.Parse(patch)).ToString());

    [Fact]
    public void A_patch_of_bytes_is_the_patch_of_the_document()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        for (int i = 0; i < 1000; i++)
        {
            if (RandomJson.Value(random, 4) is not JsonObject original || RandomJson.Value(random, 4) is not JsonObject patch) continue;
            string patched = System.Text.Encoding.UTF8.GetString(MergePatch.Apply(original.ToUtf8(), patch).Span);
            Assert.True(MergePatch.Apply(original, (JsonValue)patch).ToString() == patched, $"seed {seed}: {original} with {patch} became {patched}");
        }
    }

    [Theory]
    [InlineData("""{"a\"b":1,"<":2,"\u00e9":3}""", """{"a\"b":null,"<":{"x":null,"y":"&"},"\u00e9":4,"new\n":5}""", """{"\u003c":{"y":"\u0026"},"é":4,"new\n":5}""")]
    public void Names_are_found_however_they_are_written(string original, string patch, string result) =>
        Assert.Equal(result, System.Text.Encoding.UTF8.GetString(MergePatch.Apply(JsonValue.Parse(original).ToUtf8(), (JsonObject)JsonValue.Parse(patch)).Span));

    [Fact]
    public void Random_patches_agree_with_the_rfcs_pseudocode()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        for (int i = 0; i < 1000; i++)
        {
            var original = RandomJson.Value(random, 4);
            var patch = RandomJson.Value(random, 4);
            Assert.True(Reference(original, patch).Equals(MergePatch.Apply(original, patch)), $"seed {seed}: {original} with {patch}");
        }
    }

    /// <summary>RFC 7386 section 2, word for word, on sorted dictionaries.</summary>
    static JsonValue Reference(JsonValue target, JsonValue patch)
    {
        if (patch is not JsonObject changes) return patch;
        var result = new SortedDictionary<string, JsonValue>(StringComparer.Ordinal);
        if (target is JsonObject from)
            foreach (var member in from) result[member.Name] = member.Value;
        foreach (var (name, value) in changes)
        {
            if (value is JsonNull) result.Remove(name);
            else result[name] = Reference(result.GetValueOrDefault(name) ?? JsonNull.Instance, value);
        }
        return JsonObject.Of([.. result.Select(r => (r.Key, r.Value))]);
    }
}
