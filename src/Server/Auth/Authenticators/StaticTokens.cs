using Hanbae.Api;
using Hanbae.Api.Rest;

namespace Hanbae.Server.Auth.Authenticators;

/// <summary>Knows the users of a token file, as upstream's <c>--token-auth-file</c>: fixed at start.</summary>
public sealed class StaticTokens : ITokenAuthenticator
{
    readonly Dictionary<Digest, Identity> _users;

    StaticTokens(Dictionary<Digest, Identity> users) => _users = users;

    /// <param name="csv">Lines of <c>token,user,uid,"group1,group2"</c>; the groups may be missing.</param>
    /// <exception cref="FormatException">A line has too few columns; the message names the line, never the token.</exception>
    public static StaticTokens Parse(string csv)
    {
        var users = new Dictionary<Digest, Identity>();
        int line = 0;
        foreach (string text in csv.Split('\n'))
        {
            line++;
            if (text.Trim() is not { Length: > 0 } row || row[0] == '#') continue;
            var columns = Columns(row);
            if (columns is not [{ Length: > 0 } token, { Length: > 0 } name, var uid, ..])
                throw new FormatException($"token file, line {line}: expected at least token, user name and user uid");
            users[Digest.Of(token)] = Groups.WithAuthenticated(new(name, columns.Count > 3 ? columns[3].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).ToSeq() : [])
            {
                Uid = uid,
            });
        }
        return new(users);
    }

    static List<string> Columns(string row)
    {
        var columns = new List<string>();
        var text = new System.Text.StringBuilder();
        bool quoted = false;
        foreach (char c in row)
            if (c == '"') quoted = !quoted;
            else if (c == ',' && !quoted) { columns.Add(text.ToString().Trim()); text.Clear(); }
            else text.Append(c);
        columns.Add(text.ToString().Trim());
        return columns;
    }

    public ValueTask<TokenResult> AuthenticateAsync(string token, Seq<string> audiences, CancellationToken ct) =>
        new(_users.TryGetValue(Digest.Of(token), out var user) ? TokenResult.Known(user) : TokenResult.NoOpinion);
}
