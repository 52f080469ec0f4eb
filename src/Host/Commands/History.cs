using System.CommandLine;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Host.Objects;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Commands;

/// <summary><c>history</c> and <c>undo</c>: who changed an object, how, and back.</summary>
static class History
{
    public static Command Command()
    {
        var (what, ns, dataDir) = Options();
        var diff = new Option<bool>("--diff") { Description = "Show what each version changed." };
        var all = new Option<bool>("--all") { Description = "Show the versions of its status too, and what became of that." };
        var command = new Command("history", "Tell who changed an object, when and how.") { what, ns, diff, all, dataDir };
        command.SetAction((parsed, ct) => Shared.RunAsync(async () =>
        {
            using var transport = Shared.Connect(parsed.GetValue(dataDir)!);
            var address = await ObjectAddress.FindAsync(transport, parsed.GetValue(what)!, parsed.GetValue(ns)!, ct);
            var versions = await VersionsAsync(transport, address, ct);
            bool every = parsed.GetValue(all);
            Console.Write(parsed.GetValue(diff) ? ObjectHistory.Diffs(versions, every) : ObjectHistory.Table(versions, every));
            return Shared.Ok;
        }));
        return command;
    }

    public static Command UndoCommand()
    {
        var (what, ns, dataDir) = Options();
        var to = new Option<string?>("--to") { Description = "The revision to go back to, as `hanbae history` lists it (that before the last change users made)." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Show the change, make none." };
        var command = new Command("undo", "Put an earlier version of an object back, a deleted one too.") { what, ns, to, dryRun, dataDir };
        command.SetAction((parsed, ct) => Shared.RunAsync(async () =>
        {
            using var transport = Shared.Connect(parsed.GetValue(dataDir)!);
            var address = await ObjectAddress.FindAsync(transport, parsed.GetValue(what)!, parsed.GetValue(ns)!, ct);
            var versions = await VersionsAsync(transport, address, ct);
            var wanted = Wanted(versions, parsed.GetValue(to), address);
            if (parsed.GetValue(dryRun))
            {
                Console.Write(ObjectHistory.Diff(versions[^1], wanted, status: false));
                return Shared.Ok;
            }
            var current = await CurrentAsync(transport, address, ct);
            byte[] body = ObjectHistory.ToWrite(wanted.Object!, current).ToUtf8();
            var request = current is null ? new ApiRequest { Method = "POST", Path = address.Collection } : new() { Method = "PUT", Path = address.Path };
            (await transport.SendAsync(request with { Body = body, ContentType = "application/json", Query = [new("fieldManager", "hanbae-undo")] }, ct)).OrThrow();
            Console.Write($"{address.Shown} is as it was at revision {wanted.Revision}\n{ObjectHistory.Undone(versions, wanted)}");
            return Shared.Ok;
        }));
        return command;
    }

    static ObjectVersion Wanted(IReadOnlyList<ObjectVersion> versions, string? revision, ObjectAddress address)
    {
        if (revision is null)
            return ObjectHistory.Before(versions) ?? throw new SettingsException($"nothing that was kept of {address.Shown} differs from what it is now");
        var version = versions.FirstOrDefault(v => v.Revision == revision)
            ?? throw new SettingsException($"{address.Shown} has no revision {revision}; `hanbae history --all` lists those it has");
        return version.Object is not null ? version : throw new SettingsException(version.Verb == "delete"
            ? $"revision {revision} is the deletion of {address.Shown}; choose one before it"
            : $"what revision {revision} of {address.Shown} was is not kept any more: its key was rotated away, or it was lost in a crash; choose another");
    }

    static async Task<IReadOnlyList<ObjectVersion>> VersionsAsync(HttpTransport transport, ObjectAddress address, CancellationToken ct) =>
        ObjectHistory.Read(await transport.JsonAsync(address.Path + "/history", ct));

    static async Task<JsonObject?> CurrentAsync(HttpTransport transport, ObjectAddress address, CancellationToken ct)
    {
        try { return await transport.JsonAsync(address.Path, ct); }
        catch (ApiException e) when (e.IsNotFound) { return null; }
    }

    static (Argument<string> What, Option<string> Namespace, Option<string> DataDir) Options() =>
    (
        new("KIND/NAME") { Description = "The object, such as deployment/web." },
        new("--namespace", "-n") { Description = "Its namespace.", DefaultValueFactory = _ => "default" },
        Shared.DataDir()
    );
}
