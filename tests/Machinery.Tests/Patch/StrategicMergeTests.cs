using System.Text;
using Hanbae.Api.Json;
using Hanbae.Kit;
using Hanbae.Machinery.Patch;

namespace Hanbae.Machinery.Tests.Patch;

public sealed class StrategicMergeTests
{
    static readonly string _golden = Path.Combine(Repository.Root, "tests", "Machinery.Tests", "Golden", "Patch");

    public static TheoryData<string> Cases => [.. Directory.EnumerateDirectories(_golden).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal)];

    [Theory, MemberData(nameof(Cases))]
    public void The_result_is_the_golden_one(string name)
    {
        var original = Read(name, "original.json");
        var patch = Read(name, "patch.json");
        string error = Path.Combine(_golden, name, "error.txt");
        if (File.Exists(error))
        {
            string expected = File.ReadAllText(error);
            Assert.Equal(expected[..^1], Assert.Throws<PatchException>(() => StrategicMerge.Apply(original, patch, PatchSchemas.Object)).Message);
            Assert.Equal(expected[..^1], Assert.Throws<PatchException>(() => StrategicMerge.Apply(original.ToUtf8(), patch, PatchSchemas.Object)).Message);
            return;
        }
        Assert.Equal(Read(name, "expected.json").ToString(), StrategicMerge.Apply(original, patch, PatchSchemas.Object).ToString(), ignoreWhiteSpaceDifferences: false);
        Assert.Equal(Read(name, "expected.json").ToString(), OfBytes(original, patch, PatchSchemas.Object));
    }

    [Fact]
    public void A_malformed_patch_and_a_misfit_are_told_apart()
    {
        PatchFault Fault(string original, string patch) => Assert.Throws<PatchException>(
            () => StrategicMerge.Apply((JsonObject)JsonValue.Parse(original), (JsonObject)JsonValue.Parse(patch), PatchSchemas.Object)).Fault;
        Assert.Equal(PatchFault.Malformed, Fault("""{"spec":{"strategy":{}}}""", """{"spec":{"strategy":{"$retainKeys":1}}}"""));
        Assert.Equal(PatchFault.Unprocessable, Fault("""{"spec":{"numbers":[[1]]}}""", """{"spec":{"numbers":[[1]]}}"""));
        Assert.Equal(PatchFault.Malformed, Fault("""{"spec":{"containers":[{}]}}""", """{"spec":{"containers":[{"name":"a"}]}}"""));
    }

    /// <summary>Without a schema and directives strategic merge is merge patch, but for nulls inside of added lists.</summary>
    [Fact]
    public void Without_a_schema_random_patches_do_what_merge_patch_does()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        for (int i = 0; i < 500; i++)
        {
            var original = RandomJson.Object(random, 4);
            var patch = (JsonObject)NoNullsInLists(RandomJson.Object(random, 4), inList: false);
            var merged = MergePatch.Apply(original, patch);
            Assert.True(merged.Equals(StrategicMerge.Apply(original, patch, null)), $"seed {seed}: {original} with {patch}");
            Assert.True(StrategicMerge.Apply(original, patch, null).ToString() == OfBytes(original, patch, null), $"seed {seed}: {original} with {patch}, as bytes");
        }
    }

    /// <summary>Keyed lists agree with the obvious way: look each item up by key, in a dictionary.</summary>
    [Fact]
    public void Random_keyed_lists_agree_with_a_dictionary()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        for (int i = 0; i < 500; i++)
        {
            var live = RandomEnv(random, deletions: false);
            var patch = RandomEnv(random, deletions: true);
            var expected = live.ToDictionary(e => Key(e), e => e, StringComparer.Ordinal);
            foreach (var item in patch.Where(IsDeletion)) expected.Remove(Key(item));
            foreach (var item in patch.Where(p => !IsDeletion(p)))
                expected[Key(item)] = expected.TryGetValue(Key(item), out var old) ? (JsonObject)MergePatch.Apply(old, item) : (JsonObject)MergePatch.Apply(JsonNull.Instance, item);

            var result = (JsonArray)At(StrategicMerge.Apply(Wrap(live), Wrap(patch), PatchSchemas.Object));
            string about = $"seed {seed}: {Wrap(live)} with {Wrap(patch)} gave {result}";
            Assert.True(At((JsonObject)JsonValue.Parse(Encoding.UTF8.GetBytes(OfBytes(Wrap(live), Wrap(patch), PatchSchemas.Object)))).ToString() == result.ToString(), about + ", as bytes something else");
            Assert.True(result.Count == expected.Count && result.Items.All(item => expected[Key((JsonObject)item)].Equals(item)), about);

            // Patched items stand in the patch's order, untouched ones in the live order.
            var order = patch.Where(p => !IsDeletion(p)).Select(Key).ToList();
            var keys = result.Items.Select(item => Key((JsonObject)item)).ToList();
            Assert.True(keys.Where(order.Contains).SequenceEqual(order), about);
            Assert.True(keys.Where(k => !order.Contains(k)).SequenceEqual(live.Select(Key).Where(k => expected.ContainsKey(k) && !order.Contains(k))), about);
        }
    }

    /// <summary>Directives, nulls, lists and maps at random places, of a document as it is stored: whatever comes of the tree comes of the bytes.</summary>
    [Fact]
    public void A_patch_of_bytes_is_the_patch_of_the_document()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        for (int i = 0; i < 1000; i++)
        {
            var original = RandomPod(random, patches: false);
            var patch = RandomPod(random, patches: true);
            Assert.True(Outcome(() => StrategicMerge.Apply(original, patch, PatchSchemas.Object).ToString()) == Outcome(() => OfBytes(original, patch, PatchSchemas.Object)),
                $"seed {seed}: {original} with {patch}");
        }

        static string Outcome(Func<string> patch)
        {
            try { return patch(); }
            catch (PatchException e) { return e.Fault + ": " + e.Message; }
        }
    }

    static JsonObject RandomPod(Random random, bool patches)
    {
        JsonValue Text() => patches && random.Next(4) == 0 ? JsonNull.Instance : "v" + random.Next(5);
        JsonObject Some(params ReadOnlySpan<(string Name, Func<JsonValue> Value)> members)
        {
            var made = new List<(string, JsonValue)>();
            foreach (var (name, value) in members) if (random.Next(3) > 0) made.Add((name, value()));
            if (patches && random.Next(12) == 0) made.Add(("$patch", random.Next(2) == 0 ? "replace" : "delete"));
            if (patches && random.Next(12) == 0) made.Add(("$retainKeys", JsonArray.Of([.. made.Select(m => (JsonValue)m.Item1)])));
            return JsonObject.Of([.. made]);
        }
        JsonObject Labels() => Some(("a", Text), ("b\"<", Text), ("c", Text));
        JsonArray Finalizers() => JsonArray.Of([.. Enumerable.Range(0, random.Next(3)).Select(_ => (JsonValue)("f" + random.Next(4)))]);
        (string, Func<JsonValue>)[] directives = !patches || random.Next(4) > 0 ? []
            : [random.Next(2) == 0 ? ("$deleteFromPrimitiveList/finalizers", Finalizers) : ("$setElementOrder/finalizers", Finalizers)];
        return Some(
            ("metadata", () => Some([("name", Text), ("labels", Labels), ("annotations", Labels), ("finalizers", Finalizers), .. directives])),
            ("spec", () => Some(("restartPolicy", Text), ("nodeSelector", Labels),
                ("containers", () => JsonArray.Of([.. RandomEnv(random, deletions: patches)])),
                ("strategy", () => Some(("type", Text), ("rollingUpdate", () => Some(("maxSurge", Text))))))),
            ("unknown", () => random.Next(2) == 0 ? Labels() : Text()));
    }

    static string OfBytes(JsonObject original, JsonObject patch, Api.Schema.TypeSchema? schema) => Encoding.UTF8.GetString(StrategicMerge.Apply(original.ToUtf8(), patch, schema).Span);

    static JsonValue NoNullsInLists(JsonValue value, bool inList) => value switch
    {
        JsonObject o => JsonObject.Of([.. o.Members.Where(m => !inList || m.Value is not JsonNull).Select(m => (m.Name, NoNullsInLists(m.Value, inList)))]),
        JsonArray a => JsonArray.Of([.. a.Items.Select(i => NoNullsInLists(i, inList: true))]),
        _ => value,
    };

    static bool IsDeletion(JsonObject item) => item.Contains("$patch");
    static string Key(JsonObject item) => ((JsonString)item["name"]!).Value;
    static JsonObject Wrap(IEnumerable<JsonObject> env) => JsonObject.Of(("spec", JsonObject.Of(("containers", JsonArray.Of(JsonObject.Of(("name", "c"), ("env", JsonArray.Of([.. env]))))))));
    static JsonValue At(JsonObject o) => ((JsonObject)((JsonArray)((JsonObject)o["spec"]!)["containers"]!)[0])["env"]!;

    static List<JsonObject> RandomEnv(Random random, bool deletions)
    {
        string[] names = ["A", "B", "C", "D", "E", "F"];
        random.Shuffle(names);
        return [.. names.Take(random.Next(1, 6)).Select(name => deletions && random.Next(3) == 0
            ? JsonObject.Of(("name", name), ("$patch", "delete"))
            : JsonObject.Of(("name", name), ("value", deletions && random.Next(4) == 0 ? JsonNull.Instance : random.Next(100).ToString()), ("extra" + random.Next(3), random.Next(3))))];
    }

    static JsonObject Read(string name, string file) => (JsonObject)JsonValue.Parse(File.ReadAllBytes(Path.Combine(_golden, name, file)));
}
