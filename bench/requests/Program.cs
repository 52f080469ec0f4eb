// What one request costs inside the server, without sockets and TLS: processor time, garbage, and the bytes that the GC saw, request by request.
//   dotnet run -c Release --project bench/requests [-- --ops create,patch --count 4000 --rounds 5 --at-once 16 --memory --audit batch|blocking --types 30]
// The whole chain is there as it is run (RBAC, admission, defaulting, validation, managed fields, history, SQLite with its fsync); figures for comparing two builds on a busy machine. `--types` names what the last round's garbage is of. Bytes are exact; of processor time the least of the rounds counts.
using Hanbae.Api.Rest;
using Hanbae.Bench.Requests;

using Hanbae.Server;
using Hanbae.Server.Audit;
using Hanbae.Server.Auth;
using Hanbae.Server.Bootstrap;
using Hanbae.Server.Tables;
using Hanbae.Store;
using Hanbae.Store.History;
using Hanbae.Store.Memory;
using Hanbae.Store.Sqlite;

string Option(string name, string otherwise) => Array.IndexOf(args, "--" + name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : otherwise;
string[] ops = Option("ops", "create,get,patch,status,update,apply,lease").Split(',');
int count = int.Parse(Option("count", "3000"), null), rounds = int.Parse(Option("rounds", "5"), null), atOnce = int.Parse(Option("at-once", "16"), null);

string folder = Path.Combine(Path.GetTempPath(), "hanbae-requests-" + Guid.NewGuid().ToString("N")[..8]);
Directory.CreateDirectory(folder);
try
{
    await using IStore store = args.Contains("--memory") ? new MemoryStore() : SqliteStore.Open(new() { Folder = folder });
    await using IHistory history = SqliteHistory.Open(folder, new(), TimeProvider.System);
    var security = new Security(new());
    // As `hanbae up` writes down changes; nothing without.
    var audit = Option("audit", "") is not { Length: > 0 } mode ? null
        : new AuditOptions { Policy = AuditPolicy.Parse(DefaultAudit.Policy), Log = new() { Path = Path.Combine(folder, "audit.log"), Mode = Enum.Parse<AuditMode>(mode, ignoreCase: true), MaxBackups = 1 } };
    await using var server = new ApiServer(store, security.AddTo(new() { History = history, Table = TableCatalog.Of, Audit = audit }));
    security.Objects.Attach(server.Resources.Stored);
    await ClusterBootstrap.EnsureAsync(new Hanbae.Client.IdentityTransport(server.Transport, new("system:apiserver", ["system:masters"]), "bench/1"), new(), CancellationToken.None);
    var bench = new Requests(server);
    await bench.PrepareAsync();
    int most = int.Parse(Option("types", "0"), null);
    using var types = most > 0 ? new Types() : null;
    Console.WriteLine(Cost.Header);
    foreach (string op in ops)
    {
        Cost? best = null;
        for (int round = 0; round <= rounds; round++)
        {
            if (round == rounds) types?.Begin();
            var cost = await Cost.OfAsync(op, count, atOnce, i => bench.SendAsync(op, i, round), after: round == rounds ? null : () => bench.UndoAsync(op, count));
            // The first round compiles.
            if (round > 0 && (best is null || cost.Cpu < best.Cpu)) best = cost;
        }
        Console.WriteLine(best);
        foreach (string line in types?.End(most) ?? []) Console.WriteLine(line);
    }
}
finally { Directory.Delete(folder, recursive: true); }
