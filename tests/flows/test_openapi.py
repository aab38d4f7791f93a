"""The API's own description: valid, complete, and true of what the API answers."""



