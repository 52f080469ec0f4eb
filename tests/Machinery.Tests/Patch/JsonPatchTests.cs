using Hanbae.Api.Json;
using Hanbae.Machinery.Patch;

namespace Hanbae.Machinery.Tests.Patch;

public sealed class JsonPatchTests
{
    static string Apply(string document, string patch) => JsonPatch.Parse(JsonValue.Parse(patch)).Apply(JsonValue.Parse(document)).ToString();

    [Theory]
    [InlineData("""{"a":1}""", """[{"op":"add","path":"/b","value":2}]""", """{"a":1,"b":2}""")]
    [InlineData("""{"a":1}""", """[{"op":"add","path":"/a","value":2}]""", """{"a":2}""")]
    [InlineData("""{"a":[1,3]}""", """[{"op":"add","path":"/a/1","value":2}]""", """{"a":[1,2,3]}""")]
    [InlineData("""{"a":[1]}""", """[{"op":"add","path":"/a/-","value":2}]""", """{"a":[1,2]}""")]
    [InlineData("""{"a":[1]}""", """[{"op":"add","path":"/a/1","value":2}]""", """{"a":[1,2]}""")]
    [InlineData("""{"a":[1,2]}""", """[{"op":"add","path":"/a/-1","value":9}]""", """{"a":[1,2,9]}""")]
    [InlineData("""{"a":[1,2]}""", """[{"op":"add","path":"/a/-3","value":9}]""", """{"a":[9,1,2]}""")]
    [InlineData("""{"a":{}}""", """[{"op":"add","path":"/a/","value":1}]""", """{"a":{"":1}}""")]
    [InlineData("""{"a":{}}""", """[{"op":"add","path":"/a/x~1y~0z","value":1}]""", """{"a":{"x/y~z":1}}""")]
    [InlineData("""{"a":{}}""", """[{"op":"add","path":"/a/~01","value":1}]""", """{"a":{"~1":1}}""")]
    [InlineData("""{"a":{}}""", """[{"op":"add","path":"/a/x"}]""", """{"a":{"x":null}}""")]
    [InlineData("""{"a":1,"b":2}""", """[{"op":"remove","path":"/a"}]""", """{"b":2}""")]
    [InlineData("""{"a":[1,2,3]}""", """[{"op":"remove","path":"/a/1"}]""", """{"a":[1,3]}""")]
    [InlineData("""{"a":[1,2,3]}""", """[{"op":"remove","path":"/a/-1"}]""", """{"a":[1,2]}""")]
    [InlineData("""{"a":{"b":null}}""", """[{"op":"remove","path":"/a/b"}]""", """{"a":{}}""")]
    [InlineData("""{"a":1}""", """[{"op":"replace","path":"/a","value":{"x":1}}]""", """{"a":{"x":1}}""")]
    [InlineData("""{"a":[1,2]}""", """[{"op":"replace","path":"/a/-2","value":0}]""", """{"a":[0,2]}""")]
    [InlineData("""{"a":1}""", """[{"op":"replace","path":"","value":[1]}]""", "[1]")]
    [InlineData("""{"a":{"b":1},"c":{}}""", """[{"op":"move","from":"/a/b","path":"/c/d"}]""", """{"a":{},"c":{"d":1}}""")]
    [InlineData("""{"a":[1,2,3]}""", """[{"op":"move","from":"/a/0","path":"/a/-"}]""", """{"a":[2,3,1]}""")]
    [InlineData("""{"a":{"b":1}}""", """[{"op":"copy","from":"/a","path":"/c"}]""", """{"a":{"b":1},"c":{"b":1}}""")]
    [InlineData("""{"a":{"b":1}}""", """[{"op":"test","path":"/a","value":{"b":1}},{"op":"remove","path":"/a/b"}]""", """{"a":{}}""")]
    [InlineData("""{"a":{"c":1,"b":2}}""", """[{"op":"test","path":"","value":{"a":{"b":2,"c":1}}}]""", """{"a":{"c":1,"b":2}}""")]
    [InlineData("""{"a":1}""", """[{"op":"test","path":"/x","value":null}]""", """{"a":1}""")]
    [InlineData("""[[1],[2]]""", """[{"op":"add","path":"/1/0","value":0}]""", "[[1],[0,2]]")]
    [InlineData("""{"a":1}""", "[]", """{"a":1}""")]
    public void An_operation_does_what_the_rfc_and_upstreams_library_say(string document, string patch, string result) =>
        Assert.Equal(result, Apply(document, patch));

    [Theory]
    [InlineData("""{"a":1}""", """[{"op":"add","path":"/x/y","value":1}]""", "add operation does not apply: doc is missing path: \"/x/y\": missing value")]
    [InlineData("""{"a":1}""", """[{"op":"add","path":"/a/y","value":1}]""", "add operation does not apply: doc is missing path: \"/a/y\": missing value")]
    [InlineData("""{"a":1}""", """[{"op":"add","path":"a","value":1}]""", "add operation does not apply: doc is missing path: \"a\": missing value")]
    [InlineData("""{"a":[]}""", """[{"op":"add","path":"/a/1","value":1}]""", "error in add for path: '/a/1': Unable to access invalid index: 1: invalid index referenced")]
    [InlineData("""{"a":[1]}""", """[{"op":"add","path":"/a/-3","value":1}]""", "error in add for path: '/a/-3': Unable to access invalid index: -3: invalid index referenced")]
    [InlineData("""{"a":[]}""", """[{"op":"add","path":"/a/x","value":1}]""", "error in add for path: '/a/x': value was not a proper array index: 'x': strconv.Atoi: parsing \"x\": invalid syntax")]
    [InlineData("""{"a":1}""", """[{"op":"add","value":1}]""", "add operation failed to decode path: missing value")]
    [InlineData("""{"a":1}""", """[{"op":"remove","path":"/b"}]""", "error in remove for path: '/b': Unable to remove nonexistent key: b: missing value")]
    [InlineData("""{"a":1}""", """[{"op":"remove","path":"/b/c"}]""", "remove operation does not apply: doc is missing path: \"/b/c\": missing value")]
    [InlineData("""{"a":[1]}""", """[{"op":"remove","path":"/a/1"}]""", "error in remove for path: '/a/1': Unable to access invalid index: 1: invalid index referenced")]
    [InlineData("""{"a":1}""", """[{"op":"replace","path":"/x/y","value":1}]""", "replace operation does not apply: doc is missing path: /x/y: missing value")]
    [InlineData("""{"a":[1]}""", """[{"op":"replace","path":"/a/4","value":1}]""", "replace operation does not apply: doc is missing key: /a/4: missing value")]
    [InlineData("""{"a":1}""", """[{"op":"replace","value":1}]""", "replace operation failed to decode path: operation missing path field: missing value")]
    [InlineData("""{"a":1}""", """[{"op":"move","from":"/b","path":"/c"}]""", "error in move for path: 'b': Unable to remove nonexistent key: b: missing value")]
    [InlineData("""{"a":1}""", """[{"op":"move","from":"/x/b","path":"/c"}]""", "move operation does not apply: doc is missing from path: /x/b: missing value")]
    [InlineData("""{"a":{"b":1}}""", """[{"op":"move","from":"/a","path":"/a/b/c"}]""", "move operation does not apply: doc is missing destination path: /a/b/c: missing value")]
    [InlineData("""{"a":1}""", """[{"op":"move","path":"/c"}]""", "move operation failed to decode from: operation, missing from field: missing value")]
    [InlineData("""{"a":1}""", """[{"op":"copy","from":"/x/y","path":"/c"}]""", "copy operation does not apply: doc is missing from path: /x/y: missing value")]
    [InlineData("""{"a":1}""", """[{"op":"test","path":"/a","value":2}]""", "testing value /a failed: test failed")]
    [InlineData("""{"a":1}""", """[{"op":"test","path":"/a","value":"1"}]""", "testing value /a failed: test failed")]
    [InlineData("""{"a":1}""", """[{"op":"test","path":"/x","value":2}]""", "testing value /x failed: test failed")]
    [InlineData("""{"a":1}""", """[{"op":"test","path":"/x/y","value":2}]""", "test operation does not apply: is missing path: /x/y: missing value")]
    [InlineData("""{"a":1}""", """[{"op":"frob","path":"/a"}]""", "Unexpected kind: frob")]
    [InlineData("""{"a":1}""", """[{"path":"/a"}]""", "Unexpected kind: unknown")]
    public void An_operation_that_does_not_apply_fails_in_upstreams_words(string document, string patch, string message)
    {
        var error = Assert.Throws<PatchException>(() => Apply(document, patch));
        Assert.Equal(message, error.Message);
        Assert.Equal(message.EndsWith("test failed", StringComparison.Ordinal) ? PatchFault.TestFailed : PatchFault.Unprocessable, error.Fault);
    }

    [Theory]
    [InlineData("{}", "json: cannot unmarshal object into Go value of type jsonpatch.Patch")]
    [InlineData("[1]", "json: cannot unmarshal number into Go value of type jsonpatch.Operation")]
    public void What_is_no_patch_is_malformed(string patch, string message)
    {
        var error = Assert.Throws<PatchException>(() => JsonPatch.Parse(JsonValue.Parse(patch)));
        Assert.Equal(message, error.Message);
        Assert.Equal(PatchFault.Malformed, error.Fault);
    }

    [Fact]
    public void A_failed_patch_leaves_the_document_as_it_was()
    {
        var document = JsonValue.Parse("""{"a":[1,{"b":2}]}""");
        var patch = JsonPatch.Parse(JsonValue.Parse("""[{"op":"replace","path":"/a/1/b","value":3},{"op":"test","path":"/a/0","value":9}]"""));
        Assert.Throws<PatchException>(() => patch.Apply(document));
        Assert.Equal("""{"a":[1,{"b":2}]}""", document.ToString());
    }

    /// <summary>Random operations on random paths agree with mutable lists and dictionaries, in result or in failing.</summary>
    [Fact]
    public void Random_patches_agree_with_mutable_collections()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        int applied = 0;
        for (int i = 0; i < 3000; i++)
        {
            var document = RandomJson.Object(random, 4);
            var paths = new List<string>();
            Collect(document, "", paths);
            string Path() => paths[random.Next(paths.Count)] + (random.Next(3) == 0 ? "/" + (new[] { "a", "-", "0", "1", "-1", "b" })[random.Next(6)] : "");
            var operation = JsonObject.Of(
                ("op", (new[] { "add", "remove", "replace", "move", "copy", "test" })[random.Next(6)]), ("path", Path()), ("from", Path()), ("value", RandomJson.Value(random, 2)));

            JsonValue? expected = null, actual = null;
            try { expected = MutablePatch.Apply(document, operation); } catch (InvalidOperationException) { }
            try { actual = JsonPatch.Parse(JsonArray.Of(operation)).Apply(document); } catch (PatchException) { }
            Assert.True(Equals(expected, actual), $"seed {seed}: {document} {operation}: expected {expected}, got {actual}");
            if (actual is not null) applied++;
        }
        Assert.True(applied > 300, $"seed {seed}: only {applied} patches applied, the test tests nothing");
    }

    static void Collect(JsonValue value, string path, List<string> paths)
    {
        paths.Add(path);
        if (value is JsonObject o)
            foreach (var (name, inner) in o) Collect(inner, path + "/" + name.Replace("~", "~0").Replace("/", "~1"), paths);
        if (value is JsonArray a)
            for (int i = 0; i < a.Count; i++) Collect(a[i], path + "/" + i, paths);
    }
}
