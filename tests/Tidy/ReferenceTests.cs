using System.Xml.Linq;
using Hanbae.Kit;

namespace Hanbae.Tidy;

/// <summary>Holds the house's floors apart: which project may reference which.</summary>
public sealed class ReferenceTests
{
    const string All = "*";

    /// <summary>The plan. A controller can never touch the store, the server never imports the client.</summary>
    static readonly Dictionary<string, string[]> May = new()
    {
        ["Api"] = [],
        ["Grpc"] = [],
        ["Store"] = ["Grpc"],
        ["Cri"] = ["Grpc"],
        ["Machinery"] = ["Api"],
        ["Client"] = ["Api"],
        ["Server"] = ["Api", "Machinery", "Store"],
        ["Controllers"] = ["Client", "Machinery"],
        ["Scheduler"] = ["Client", "Machinery"],
        ["Proxy"] = ["Client", "Machinery"],
        ["Network"] = ["Client", "Machinery"],
        ["Dns"] = ["Client", "Machinery"],
        ["Autoscaling"] = ["Client", "Machinery"],
        ["Dashboard"] = ["Client", "Machinery"],
        ["Kubelet"] = ["Client", "Machinery", "Cri"],

        ["Testing"] = ["Server", "Store", "Controllers", "Scheduler", "Client", "Kubelet"],
        ["Host"] = [All],
    };

    [Fact]
    public void A_project_references_only_what_the_plan_lets_it() =>
        Rule.Holds("references that the plan does not have", Tree.Projects("src").SelectMany(file =>
        {
            string name = Path.GetFileNameWithoutExtension(file);
            Assert.True(May.ContainsKey(name), $"src/{name} has no place in the plan of references");
            return References(file).Where(r => !May[name].Contains(All) && !May[name].Contains(Path.GetFileNameWithoutExtension(r))).Select(r => $"{name} → {r}");
        }));

    [Fact]
    public void No_source_reaches_outside_src() =>
        Rule.Holds("references that leave src/", Tree.Projects("src").SelectMany(file => References(file).Where(r => !r.StartsWith("src/", StringComparison.Ordinal)).Select(r => $"{file} → {r}")));

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        var listed = XDocument.Parse(Tree.Text("Hanbae.slnx")).Descendants("Project").Select(p => p.Attribute("Path")!.Value).ToHashSet();
        Rule.Holds("projects that the solution lacks", Tree.Projects("src", "tests", "bench").Where(p => !listed.Contains(p)));
        Rule.Holds("projects of the solution that do not exist", listed.Where(p => !Tree.Files.Contains(p)));
    }

    [Fact]
    public void Every_package_says_what_it_is_for_and_is_used()
    {
        var used = Tree.Files.Where(f => f.EndsWith(".csproj", StringComparison.Ordinal) || f == "Directory.Build.props")
            .SelectMany(f => XDocument.Parse(Tree.Text(f)).Descendants("PackageReference")).Select(p => p.Attribute("Include")!.Value).ToHashSet();
        string[] lines = Tree.Lines("Directory.Packages.props");
        var packages = lines.Index().Where(l => l.Item.Contains("<PackageVersion ", StringComparison.Ordinal))
            .Select(l => (Name: XElement.Parse(l.Item).Attribute("Include")!.Value, Before: lines[l.Index - 1].Trim())).ToList();
        Assert.NotEmpty(packages);
        Rule.Holds("packages without a comment on the line before", packages.Where(p => !p.Before.EndsWith("-->", StringComparison.Ordinal)).Select(p => p.Name));
        Rule.Holds("packages that nothing uses", packages.Select(p => p.Name).Where(p => !used.Contains(p)));
    }

    /// <summary>Paths from the root.</summary>
    static IEnumerable<string> References(string project) =>
        XDocument.Parse(Tree.Text(project)).Descendants("ProjectReference")
            .Select(r => Path.GetFullPath(Path.Combine(Repository.Root, Path.GetDirectoryName(project)!, r.Attribute("Include")!.Value)))
            .Select(full => Path.GetRelativePath(Repository.Root, full));
}
