using Hanbae.Machinery.Validate;

namespace Hanbae.Machinery.Tests.Validate;

public sealed class FieldPathTests
{
    [Fact]
    public void A_place_that_rules_ask_for_again_is_made_once()
    {
        Assert.Same(FieldPath.Spec["containers"][3]["resources"], FieldPath.Spec["containers"][3]["resources"]);
        Assert.NotSame(FieldPath.Spec["containers"][3], FieldPath.Spec["containers"][2]);
        Assert.NotSame(FieldPath.Metadata["name"], FieldPath.Spec["name"]);
        // What users name is kept nowhere.
        Assert.NotSame(FieldPath.Spec["nodeSelector"].Key("a"), FieldPath.Spec["nodeSelector"].Key("a"));
    }

    /// <summary>More than is kept of anything, by several at once: names, items, keys, depth.</summary>
    [Fact]
    public void A_place_says_where_it_is_kept_or_not() => Parallel.For(0, 8, _ =>
    {
        var root = FieldPath.Metadata["managedFields"];
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal($"metadata.managedFields.f{i}", root["f" + i].ToString());
            Assert.Equal($"metadata.managedFields[{i}].x[{i}]", root[i]["x"][i].ToString());
            Assert.Equal($"metadata.managedFields[f{i}].x[-1]", root.Key("f" + i)["x"][-1].ToString());
        }
        Assert.Equal("metadata.managedFields.", root[""].ToString());
        var deep = root;
        for (int i = 0; i < 20; i++) deep = deep["d"][0];
        Assert.Equal("metadata.managedFields" + string.Concat(Enumerable.Repeat(".d[0]", 20)), deep.ToString());
    });
}
