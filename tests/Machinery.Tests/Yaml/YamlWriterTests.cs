using Hanbae.Api.Json;
using Hanbae.Machinery.Yaml;

namespace Hanbae.Machinery.Tests.Yaml;

public sealed class YamlWriterTests
{
    static string Write(string json) => YamlWriter.Write(JsonValue.Parse(json));

    [Theory]
    [InlineData("""{"b":1,"a":{"d":[1,{"x":1,"y":[]}],"c":{}}}""", "a:\n  c: {}\n  d:\n  - 1\n  - x: 1\n    \"y\": []\nb: 1\n")]
    [InlineData("""{"a":[[1,2],[3]]}""", "a:\n- - 1\n  - 2\n- - 3\n")]
    [InlineData("[]", "[]\n")]
    [InlineData("{}", "{}\n")]
    [InlineData("null", "null\n")]
    [InlineData("\"x\"", "x\n")]
    [InlineData("""{"a":null,"b":true,"c":1.5,"d":1e21,"e":-3,"f":1.0}""", "a: null\nb: true\nc: 1.5\nd: 1e+21\ne: -3\nf: 1\n")]
    [InlineData("""["", "yes", "n", "null", "~", "1", "0x1f", "1.5", "1e3", "2001-01-01", "2001-01-01T00:00:00Z", "12:30", "<<", ".nan"]""",
        "- \"\"\n- \"yes\"\n- \"n\"\n- \"null\"\n- \"~\"\n- \"1\"\n- \"0x1f\"\n- \"1.5\"\n- \"1e3\"\n- \"2001-01-01\"\n- \"2001-01-01T00:00:00Z\"\n- \"12:30\"\n- \"<<\"\n- \".nan\"\n")]
    [InlineData("""["a: b","a #b","- a","-a","a:b","#a","@a","*a","a,b","[a","'a","it's", " a","a ","--- a","!a","%a","100m","{{x}}"]""",
        "- 'a: b'\n- 'a #b'\n- '- a'\n- -a\n- a:b\n- '#a'\n- '@a'\n- '*a'\n- a,b\n- '[a'\n- '''a'\n- it's\n- ' a'\n- 'a '\n- '--- a'\n- '!a'\n- '%a'\n- 100m\n- '{{x}}'\n")]
    [InlineData("""["a\tb","a\rb","🚢","é","\u0007","a\\\"b\t","\u00a0","\u0085"]""", "- \"a\\tb\"\n- \"a\\rb\"\n- \"\\U0001F6A2\"\n- é\n- \"\\a\"\n- \"a\\\\\\\"b\\t\"\n- \u00a0\n- \"\\N\"\n")]
    [InlineData("""{"a":"x\ny\n","b":"x\ny","c":"x\n\n","d":" x\ny\n","e":"\n","f":"x \ny"}""",
        "a: |\n  x\n  y\nb: |-\n  x\n  y\nc: |+\n  x\n\nd: |2\n   x\n  y\ne: |2+\n\nf: \"x \\ny\"\n")]
    [InlineData("""{"a":{"b":["x\ny\n"]}}""", "a:\n  b:\n  - |\n    x\n    y\n")]
    [InlineData("""{"a10":1,"a9":2,"b":3,"B":4,"_":5,"1":6}""", "_: 5\n\"1\": 6\nB: 4\na9: 2\na10: 1\nb: 3\n")]
    [InlineData("""{"yes":1,"a b":2,"a: b":3,"":4,"\n":5}""", "\"\": 4\n? |2+\n\n: 5\na b: 2\n'a: b': 3\n\"yes\": 1\n")]
    public void Json_is_written_as_kubectl_prints_it(string json, string yaml) => Assert.Equal(yaml, Write(json));

    [Fact]
    public void Long_text_folds_at_the_first_space_after_column_eighty()
    {
        string words = string.Join(" ", Enumerable.Repeat("abcdefghi", 18));
        string[] lines = Write($$"""{"a":"{{words}}"}""").Split('\n');
        Assert.Equal(["a: " + string.Join(" ", Enumerable.Repeat("abcdefghi", 8)), "  " + string.Join(" ", Enumerable.Repeat("abcdefghi", 8)), "  abcdefghi abcdefghi", ""], lines);
        // The same in quotes, which a colon makes necessary.
        Assert.StartsWith("a: 'x: abcdefghi", Write($$"""{"a":"x: {{words}}"}"""));
        Assert.Equal(words, ((JsonString)((JsonObject)YamlReader.Read(Write($$"""{"a":"{{words}}"}""")))["a"]!).Value);
    }

    [Fact]
    public void A_long_key_is_written_explicitly()
    {
        string key = new('k', 129);
        Assert.Equal($"? {key}\n: a: 1\n", Write($$$"""{"{{{key}}}":{"a":1}}"""));
    }

    [Fact]
    public void Random_documents_survive_the_round_trip()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        string[] parts = ["a", "yes", "1", " ", ":", "-", "#", "'", "\"", "\n", "\t", "\\", "word", "é", "🚢", "{", "[", "|", "0x", ".", "~", ",", "long words here ", "? "];
        string Text() => string.Concat(Enumerable.Range(0, random.Next(8) * (random.Next(8) == 0 ? 8 : 1)).Select(_ => parts[random.Next(parts.Length)]));
        JsonValue Value(int depth) => random.Next(depth > 0 ? 7 : 4) switch
        {
            0 => JsonNull.Instance,
            1 => random.Next(-100, 100),
            2 or 3 => Text(),
            4 => JsonArray.Of([.. Enumerable.Range(0, random.Next(4)).Select(_ => Value(depth - 1))]),
            _ => JsonObject.Of([.. Enumerable.Range(0, random.Next(4)).Select(_ => (Text(), Value(depth - 1)))]),
        };
        for (int i = 0; i < 2000; i++)
        {
            var value = Value(3);
            string yaml = YamlWriter.Write(value);
            JsonValue read;
            try { read = YamlReader.Read(yaml); }
            catch (YamlException e) { Assert.Fail($"seed {seed}: {value}\n{yaml}\n{e.Message}"); return; }
            Assert.True(value.Equals(read), $"seed {seed}: {value}\n{yaml}\n{read}");
        }
    }
}
