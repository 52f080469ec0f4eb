using System.IO.Compression;
using System.Xml.Linq;
using Hanbae.Api.Core.V1;
using Hanbae.Kit;

namespace Hanbae.Testing.Tests.Packages;

/// <summary>What others get: packages that hold together, and a project that has nothing else of this repository.</summary>
public sealed class PackageTests : IDisposable
{
    static readonly string[] s_ours = ["Api", "Client", "Controllers", "Cri", "Grpc", "Kubelet", "Machinery", "Scheduler", "Server", "Store", "Testing"];

    readonly DirectoryInfo _scratch = Directory.CreateTempSubdirectory("hanbae-packages-");

    public void Dispose() => _scratch.Delete(recursive: true);

    string In(params string[] path) => Path.Combine([_scratch.FullName, .. path]);

    static async Task RunAsync(IEnumerable<string> arguments, string? folder = null, Dictionary<string, string>? environment = null)
    {
        await using var dotnet = Running.Dotnet(arguments, environment ?? [], folder);
        dotnet.CloseInput();
        Assert.True(await dotnet.EndAsync() == 0, dotnet.Said);
    }

    [Fact]
    public async Task A_project_of_its_own_lists_watches_and_tests_with_the_packages()
    {
        await RunAsync(["pack", Path.Combine(Repository.Root, "Hanbae.slnx"), "--no-build", "-c", Running.Configuration, "-o", In("feed"), "-nodeReuse:false", "-v", "q"]);
        string version = XDocument.Load(Path.Combine(Repository.Root, "Directory.Build.props")).Descendants("Version").Single().Value;
        Assert.Equal(s_ours.Select(o => $"Hanbae.{o}.{version}.nupkg").Order(StringComparer.Ordinal), Directory.GetFiles(In("feed")).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
        foreach (string name in (string[])["Api", "Client", "Testing"])
        {
            using var package = ZipFile.OpenRead(In("feed", $"Hanbae.{name}.{version}.nupkg"));
            Assert.NotNull(package.GetEntry("README.md"));
            if (name != "Api") Assert.NotNull(package.GetEntry($"lib/net10.0/Hanbae.{name}.xml"));
            using var spec = package.GetEntry($"Hanbae.{name}.nuspec")!.Open();
            var metadata = XDocument.Load(spec).Root!.Elements().Single();
            XElement Of(string element) => metadata.Elements().Single(e => e.Name.LocalName == element);
            Assert.Equal("README.md", Of("readme").Value);
            Assert.True(Of("description").Value.Length > 40);
        }

        await WriteConsumerAsync(version);
        // Packages of this version must not be remembered: the next ones have the same number.
        var environment = new Dictionary<string, string> { ["NUGET_PACKAGES"] = In("packages") };
        await RunAsync(["build", In("consumer", "Consumer.csproj"), "-nodeReuse:false", "-v", "q"], In("consumer"), environment);

        await using var cluster = await TestCluster.StartAsync(new() { Controllers = false, Scheduler = false });
        var door = await cluster.OpenAsync();
        environment["KUBECONFIG"] = door.Kubeconfig;
        await using var consumer = Running.Dotnet([In("consumer", "bin", "Debug", "net10.0", "Consumer.dll")], environment);
        await consumer.UntilAsync("listed default kube-node-lease kube-public kube-system");
        await consumer.UntilAsync("watching");
        await cluster.Client.CreateAsync(new Namespace { Metadata = new() { Name = "mine" } }, CancellationToken.None);
        await consumer.UntilAsync("added mine");
        // And a cluster of its own, by Hanbae.Testing.
        await consumer.UntilAsync("tested Active");
        Assert.Equal(0, await consumer.EndAsync());
    }

    async Task WriteConsumerAsync(string version)
    {
        Directory.CreateDirectory(In("consumer"));
        string known = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        // Whatever others' packages this machine has built with already need not be fetched again.
        await File.WriteAllTextAsync(In("consumer", "nuget.config"), $"""
            <configuration>
              <packageSources><add key="ours" value="{In("feed")}" /></packageSources>
              <fallbackPackageFolders><add key="known" value="{known}" /></fallbackPackageFolders>
            </configuration>
            """);
        await File.WriteAllTextAsync(In("consumer", "Consumer.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <IsAotCompatible>true</IsAotCompatible>
                <NuGetAudit>false</NuGetAudit>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Hanbae.Client" Version="{version}" />
                <PackageReference Include="Hanbae.Testing" Version="{version}" />
              </ItemGroup>
            </Project>
            """);
        await File.WriteAllTextAsync(In("consumer", "Program.cs"), """
            using Hanbae.Api.Core.V1;
            using Hanbae.Client;
            using Hanbae.Testing;

            using var cluster = Cluster.Connect();
            var list = await cluster.Client.ListAsync<Namespace>(ListQuery.All, default);
            Console.WriteLine("listed " + string.Join(' ', list.Items.Select(n => n.Metadata.Name).Order(StringComparer.Ordinal)));
            Console.WriteLine("watching");
            await foreach (var (type, ns) in cluster.Client.WatchAsync<Namespace>(ListQuery.All, list.ResourceVersion))
            {
                Console.WriteLine($"{type.ToString().ToLowerInvariant()} {ns.Metadata.Name}");
                break;
            }
            await using var test = await TestCluster.StartAsync();
            await test.Client.CreateAsync(new Namespace { Metadata = new() { Name = "inside" } }, default);
            var inside = await test.WhenAsync<Namespace>(new("", "inside"), n => n?.Status.Phase == "Active");
            Console.WriteLine("tested " + inside!.Status.Phase);
            """);
    }
}
