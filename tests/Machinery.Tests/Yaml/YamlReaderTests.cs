using System.Text;
using Hanbae.Api.Json;
using Hanbae.Machinery.Yaml;

namespace Hanbae.Machinery.Tests.Yaml;

public sealed class YamlReaderTests
{
    static string Read(string yaml) => YamlReader.Read(yaml).ToString();

    [Theory]
    [InlineData("a: 1", """{"a":1}""")]
    [InlineData("a: yes\nb: No\nc: on\nd: y\ne: n\nf: OFF\ng: True", """{"a":true,"b":false,"c":true,"d":true,"e":false,"f":false,"g":true}""")]
    [InlineData("a: 'yes'\nb: \"1\"\nc: !!str 1", """{"a":"yes","b":"1","c":"1"}""")]
    [InlineData("a:\nb: ~\nc: null\nd: \"\"", """{"a":null,"b":null,"c":null,"d":""}""")]
    [InlineData("- 0x1F\n- 0o17\n- 017\n- 0b101\n- 1_000\n- +3\n- -4", "[31,15,15,5,1000,3,-4]")]
    [InlineData("- 08\n- 1.0\n- 1.5\n- .5\n- 1e3\n- 1.5e-10\n- 1.", "[8,1,1.5,0.5,1000,1.5e-10,1]")]
    [InlineData("- 18446744073709551615\n- 9223372036854775807\n- -9223372036854775808", "[18446744073709551615,9223372036854775807,-9223372036854775808]")]
    [InlineData("- 2001-01-01\n- 2001-01-01T00:00:00Z\n- 12:30:45\n- 1.2.3\n- 0x\n- 1e999\n- 100m\n- 1Gi", """["2001-01-01","2001-01-01T00:00:00Z","12:30:45","1.2.3","0x","1e999","100m","1Gi"]""")]
    [InlineData("1: a\ntrue: b\n1.5: c\nyes: d", """{"1":"a","true":"d","1.5":"c"}""")]
    [InlineData("a: |\n  x\n  y\nb: >-\n  x\n  y\n", """{"a":"x\ny\n","b":"x y"}""")]
    [InlineData("a: &x {b: 1}\nc: *x", """{"a":{"b":1},"c":{"b":1}}""")]
    [InlineData("a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  b: 3", """{"a":{"b":1,"c":2},"d":{"b":3,"c":2}}""")]
    [InlineData("a: !!binary aGk=", """{"a":"hi"}""")]
    [InlineData("a: !!float 3", """{"a":3}""")]
    [InlineData("a: !custom 3", """{"a":"3"}""")]
    [InlineData("", "null")]
    [InlineData("# only a comment\n", "null")]
    [InlineData("""{"a": [1, "x", {"b": null}]}""", """{"a":[1,"x",{"b":null}]}""")]
    [InlineData("a: 1\n---\nb: 2", """{"a":1}""")]
    public void Yaml_means_what_it_means_to_upstream(string yaml, string json) => Assert.Equal(json, Read(yaml));

    [Theory]
    [InlineData("a: b: c", "yaml: mapping values are not allowed in this context")]
    [InlineData("x: 1\na: b: c", "yaml: line 2: mapping values are not allowed in this context")]
    [InlineData("a:\n  - b\n c: d", "yaml: line 2: did not find expected key")]
    [InlineData("a: *nope", "yaml: unknown anchor 'nope' referenced")]
    [InlineData("a: &x\n  b: *x", "yaml: anchor 'x' value contains itself")]
    [InlineData("a: .nan", "json: unsupported value: NaN")]
    [InlineData("a: -.inf", "json: unsupported value: -Inf")]
    [InlineData("a: !!int x", "yaml: cannot decode !!str `x` as a !!int")]
    [InlineData("a:\n  <<: 3", "yaml: map merge requires map or sequence of maps as the value")]
    [InlineData("x: 1\ny: @z", "yaml: line 2: found character that cannot start any token")]
    [InlineData("x: 1\n\ty: 2", "yaml: line 2: found character that cannot start any token")]
    public void A_mistake_names_the_line_as_upstream_does(string yaml, string message) =>
        Assert.Equal(message, Assert.Throws<YamlException>(() => YamlReader.Read(yaml)).Message);

    [Fact]
    public void Duplicate_keys_are_reported_and_the_last_value_wins()
    {
        var duplicates = new List<string>();
        Assert.Equal("""{"a":3,"b":{"c":2}}""", YamlReader.Read("a: 1\na: 2\na: 3\nb:\n  c: 1\n  c: 2\n", duplicates).ToString());
        Assert.Equal(["line 2: key \"a\" already set in map", "line 3: key \"a\" already set in map", "line 6: key \"c\" already set in map"], duplicates);
        Assert.Equal("yaml: unmarshal errors:\n  line 2: key \"a\" already set in map", YamlReader.DuplicatesMessage(duplicates.Take(1)));
    }

    [Fact]
    public void A_stream_has_many_documents_and_empty_ones_are_null()
    {
        var documents = YamlReader.ReadAll("---\na: 1\n---\n---\nb: *x\n".Replace("*x", "2") + "---\n- 3\n...\n");
        Assert.Equal(["""{"a":1}""", "null", """{"b":2}""", "[3]"], documents.Select(d => d.ToString()));
        Assert.Empty(YamlReader.ReadAll(""));
    }

    [Fact]
    public void Anchors_end_with_their_document() =>
        Assert.Equal("yaml: unknown anchor 'x' referenced", Assert.Throws<YamlException>(() => YamlReader.ReadAll("a: &x 1\n---\nb: *x\n")).Message);

    [Fact]
    public void A_bomb_is_refused_and_honest_aliases_are_not()
    {
        var bomb = new StringBuilder("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
        for (int i = 1; i < 12; i++) bomb.Append($"a{i}: &a{i} [{string.Join(",", Enumerable.Repeat($"*a{i - 1}", 9))}]\n");
        Assert.Equal("yaml: document contains excessive aliasing", Assert.Throws<YamlException>(() => YamlReader.Read(bomb.ToString())).Message);

        var honest = new StringBuilder("base: &base {a: 1, b: 2}\nitems:\n");
        for (int i = 0; i < 500; i++) honest.Append("- *base\n");
        Assert.Equal(500, ((JsonArray)((JsonObject)YamlReader.Read(honest.ToString()))["items"]!).Count);
    }

    [Fact]
    public void Depth_is_bounded_also_through_aliases()
    {
        Assert.StartsWith("yaml: exceeded max depth", Assert.Throws<YamlException>(() => YamlReader.Read(new string('[', 600) + new string(']', 600))).Message);
        string half = new string('[', 300) + new string(']', 300);
        Assert.StartsWith("yaml: exceeded max depth",
            Assert.Throws<YamlException>(() => YamlReader.Read($"a: &x {half}\nb: {new string('[', 300)}*x{new string(']', 300)}\n")).Message);
    }

    /// <summary>Whatever a client sends: a value or a <see cref="YamlException"/>, nothing else.</summary>
    [Fact]
    public void Random_damage_is_an_error_or_a_document()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        const string Whole = "apiVersion: v1\nkind: Pod\nmetadata: &m\n  name: 'a b'\n  labels: {x: \"y\\t\", ? z : !!int 3}\nspec:\n- |+2\n   text\n- >-\n  folded\n  more\n- *m\n- <<: *m\n# end\n---\n%YAML 1.1\n";
        const string Letters = " \t\n:-?&*!|>'\"%@`#,[]{}<~\\0a\u0001\u0085\ufeff";
        for (int i = 0; i < 3000; i++)
        {
            var text = new StringBuilder(Whole);
            for (int n = random.Next(1, 6); n > 0; n--)
            {
                int at = random.Next(text.Length);
                switch (random.Next(3))
                {
                    case 0: text[at] = Letters[random.Next(Letters.Length)]; break;
                    case 1: text.Insert(at, Letters[random.Next(Letters.Length)]); break;
                    default: text.Remove(at, random.Next(Math.Min(20, text.Length - at))); break;
                }
            }
            try { YamlReader.ReadAll(text.ToString(), []); }
            catch (YamlException) { }
            catch (Exception e) { Assert.Fail($"seed {seed}: {e}\n{text}"); }
        }
    }
}
