using System.Text;
using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Json;
using Hanbae.Api.Schema;
using Hanbae.Machinery.Yaml;

namespace Hanbae.Tidy;

/// <summary>Examples are read by people who copy them: each must be exactly what the API has.</summary>
public sealed class ExampleTests
{
    public static TheoryData<string> Files =>
        [.. Tree.Under("examples").Where(f => f.EndsWith(".yaml", StringComparison.Ordinal) || f.EndsWith(".yml", StringComparison.Ordinal))];

    [Theory, MemberData(nameof(Files))]
    public void Every_field_of_an_example_exists(string file)
    {
        Assert.Empty(Faults(Tree.Text(file)));
    }

    [Theory]
    [InlineData("{apiVersion: v1, kind: Pod, spec: {contaners: []}}", "unknown field before []")]
    [InlineData("{apiVersion: v1, kind: Pud}", "no kind v1, Kind=Pud")]
    [InlineData("{apiVersion: v1, kind: Pod, kind: Pod}", "already set")]
    [InlineData("{apiVersion: v1, kind: Service, spec: {ports: [{port: http}]}}", "int")]
    public void A_fault_is_found(string yaml, string said) => Assert.Contains(said, string.Join('\n', Faults(yaml)), StringComparison.Ordinal);

    static List<string> Faults(string yaml)
    {
        List<string> faults = [];
        var documents = YamlReader.ReadAll(yaml, faults);
        if (documents.IsEmpty) faults.Add("nothing in it");
        foreach (var document in documents)
        {
            if (document is not JsonObject json || json["apiVersion"] is not JsonString version || json["kind"] is not JsonString name
                || GroupVersion.Parse(version.Value) is not { } group)
            {
                faults.Add("a document without apiVersion and kind");
                continue;
            }
            if (ApiData.Kind(group.Kind(name.Value)) is not { } kind) { faults.Add($"no kind {group.Kind(name.Value)}"); continue; }
            byte[] bytes = document.ToUtf8();
            List<int> unknown = [];
            try { kind.Decode(bytes, unknown); }
            catch (Exception e) when (e is DecodeException or FormatException) { faults.Add(e.Message); }
            faults.AddRange(unknown.Select(at => "unknown field before " + Encoding.UTF8.GetString(bytes.AsSpan(at, Math.Min(40, bytes.Length - at)))));
        }
        return faults;
    }
}
