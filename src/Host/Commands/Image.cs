using System.CommandLine;
using Hanbae.Host.Images;
using Hanbae.Host.Runtime;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Commands;

/// <summary><c>image</c>: images without a registry, from files and folders into the node and back.</summary>
static class Image
{
    public static Command Command()
    {
        var command = new Command("image", "Images without a registry: import, list, remove, export, pin, or make one from a root file system.");
        command.Subcommands.Add(Import());
        command.Subcommands.Add(List());
        command.Subcommands.Add(Remove());
        command.Subcommands.Add(Export());
        command.Subcommands.Add(FromRootfs());
        command.Subcommands.Add(ImagePin.Pin());
        command.Subcommands.Add(ImagePin.Unpin());
        return command;
    }

    internal static ImageStore Store(string dataDir)
    {
        var paths = NodePaths.Of(dataDir);
        // A folder of ours without a cluster's settings is a kubelet's alone.
        if (ClusterSettings.Load(paths.Data) is null && DataFolder.IsClaimed(paths))
            return File.Exists(paths.OtherRuntime) ? new(File.ReadAllText(paths.OtherRuntime)) : Own(paths, "the kubelet", "kubelet");
        var settings = Shared.Settings(dataDir);
        if (settings.ControlPlaneOnly)
            throw new RuntimeException($"the cluster in {dataDir} has no node on this machine (--control-plane-only), and so no runtime that images could be in; "
                + $"`{Shared.Again("up", dataDir)} --control-plane-only=false` makes this machine its node");
        if (settings.RuntimeEndpoint is { } endpoint) return new(endpoint);
        return Own(paths, "the cluster", "up");
    }

    static ImageStore Own(NodePaths paths, string who, string verb) => File.Exists(paths.Socket) && new Containerd(paths, TimeProvider.System).IsRunning ? new(paths.Endpoint)
        : throw new RuntimeException($"{who} does not run, and images are in its runtime; start it with `{Shared.Again(verb, paths.Data)}`");

    /// <summary>What to know of an image's name; null for nothing.</summary>
    internal static string? Advice(string name) => !name.EndsWith(":latest", StringComparison.Ordinal) ? null
        : $"  each new Pod pulls {name} from its registry, as all that is tagged latest: name it {name[..^"latest".Length]}1 or the like with --name, "
            + "or give the Pod imagePullPolicy: IfNotPresent";

    static void SayImported(string name)
    {
        Console.WriteLine("imported " + name);
        if (Advice(name) is { } advice) Console.Error.WriteLine(advice);
    }

    static Command Import()
    {
        var dataDir = Shared.DataDir();
        var files = new Argument<string[]>("FILE") { Description = "Archives: `docker save` or OCI layout.", Arity = ArgumentArity.OneOrMore };
        var name = new Option<string?>("--name") { Description = "Name for an archive that has none." };
        var any = new Option<bool>("--any-platform") { Description = "Take images made for other processors too." };
        var command = new Command("import", "Import images from archives.") { files, name, any, dataDir };
        command.SetAction((parsed, ct) => Shared.RunAsync(async () =>
        {
            foreach (string file in parsed.GetValue(files)!)
                foreach (string imported in await Store(parsed.GetValue(dataDir)!).ImportAsync(file, parsed.GetValue(name), parsed.GetValue(any), ct))
                    SayImported(imported);
            return Shared.Ok;
        }));
        return command;
    }

    static Command List()
    {
        var dataDir = Shared.DataDir();
        var command = new Command("list", "List the node's images.") { dataDir };
        command.SetAction((parsed, ct) => Shared.RunAsync(async () =>
        {
            Console.Write(ImageTable.Render(await Store(parsed.GetValue(dataDir)!).ListAsync(ct)));
            return Shared.Ok;
        }));
        return command;
    }

    static Command Remove()
    {
        var dataDir = Shared.DataDir();
        var names = new Argument<string[]>("IMAGE") { Description = "Names or ids.", Arity = ArgumentArity.OneOrMore };
        var force = new Option<bool>("--force") { Description = "Also images that Pods use." };
        var command = new Command("remove", "Remove images from the node.") { names, force, dataDir };
        command.SetAction((parsed, ct) => Shared.RunAsync(async () =>
        {
            foreach (string image in parsed.GetValue(names)!)
            {
                await Store(parsed.GetValue(dataDir)!).RemoveAsync(image, parsed.GetValue(force), ct);
                Console.WriteLine("removed " + image);
            }
            return Shared.Ok;
        }));
        return command;
    }

    static Command Export()
    {
        var dataDir = Shared.DataDir();
        var names = new Argument<string[]>("IMAGE") { Description = "Names of images.", Arity = ArgumentArity.OneOrMore };
        var file = new Option<string>("--output", "-o") { Description = "The archive to write.", Required = true };
        var command = new Command("export", "Write images to an archive.") { names, file, dataDir };
        command.SetAction((parsed, ct) => Shared.RunAsync(async () =>
        {
            await Store(parsed.GetValue(dataDir)!).ExportAsync(parsed.GetValue(file)!, parsed.GetValue(names)!, ct);
            Console.WriteLine("wrote " + parsed.GetValue(file));
            return Shared.Ok;
        }));
        return command;
    }

    static Command FromRootfs()
    {
        var dataDir = Shared.DataDir();
        var source = new Argument<string>("SOURCE") { Description = "A folder, or a tar of one." };
        var name = new Option<string>("--name") { Description = "Name of the image, such as busybox:1.", Required = true };
        var cmd = new Option<string[]>("--cmd") { Description = "Default arguments, one each.", AllowMultipleArgumentsPerToken = true };
        var entrypoint = new Option<string[]>("--entrypoint") { Description = "Entry point, one word each.", AllowMultipleArgumentsPerToken = true };
        var env = new Option<string[]>("--env") { Description = "NAME=value, may be repeated." };
        var user = new Option<string>("--user") { Description = "User or uid[:gid] to run as.", DefaultValueFactory = _ => "" };
        var dir = new Option<string>("--workdir") { Description = "Working directory.", DefaultValueFactory = _ => "" };
        var file = new Option<string?>("--output", "-o") { Description = "Write the archive here instead of importing it." };
        var command = new Command("from-rootfs", "Make an image of one layer from a root file system and import it.") { source, name, cmd, entrypoint, env, user, dir, file, dataDir };
        command.SetAction((parsed, ct) => Shared.RunAsync(async () =>
        {
            var config = new OciConfig
            {
                Cmd = parsed.GetValue(cmd) ?? [], Entrypoint = parsed.GetValue(entrypoint) ?? [], User = parsed.GetValue(user)!, WorkingDir = parsed.GetValue(dir)!,
            };
            if (parsed.GetValue(env) is { Length: > 0 } extra) config = config with { Env = [.. config.Env, .. extra] };
            string? asked = parsed.GetValue(file);
            string archive = asked ?? Path.Combine(Path.GetTempPath(), $"hanbae-image-{Guid.NewGuid():N}.tar");
            try
            {
                string made = await RootfsImage.BuildAsync(parsed.GetValue(source)!, parsed.GetValue(name)!, config, archive, TimeProvider.System, ct);
                if (asked is null) await Store(parsed.GetValue(dataDir)!).ImportAsync(archive, null, anyPlatform: false, ct);
                if (asked is null) SayImported(made);
                else Console.WriteLine($"wrote {made} to {asked}");
            }
            finally { if (asked is null) File.Delete(archive); }
            return Shared.Ok;
        }));
        return command;
    }
}
